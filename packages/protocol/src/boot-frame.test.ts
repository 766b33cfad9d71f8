import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BOOT_FRAME_LIMIT, type BootRead, createBootFrameReader, encodeBootFrame } from "./boot-frame.js";

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function headerOf(size: number): Uint8Array {
  const header = join(bytes("CPB1"), new Uint8Array(4));
  new DataView(header.buffer).setUint32(4, size);
  return header;
}

function read(...chunks: readonly Uint8Array[]): BootRead {
  const reader = createBootFrameReader();
  let last: BootRead = { state: "more" };
  for (const chunk of chunks) last = reader.read(chunk);
  return last;
}

describe("a boot frame", () => {
  test("is CPB1, the length as 32 bits big endian, and JSON", () => {
    expect(encodeBootFrame({ a: "é" })).toEqual(
      join(bytes("CPB1"), Uint8Array.of(0, 0, 0, 10), bytes('{"a":"é"}')),
    );
  });

  test("comes out whole however it is cut, and what follows it is left", () => {
    const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 12 });
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 2 }),
        fc.uint8Array({ maxLength: 20 }),
        cuts,
        (value, after, at) => {
          const all = join(encodeBootFrame(value), after);
          const reader = createBootFrameReader();
          const points = [...new Set([0, ...at.filter((cut) => cut < all.byteLength), all.byteLength])].sort(
            (a, b) => a - b,
          );
          let taken = 0;
          for (const [index, start] of points.slice(0, -1).entries()) {
            const end = points[index + 1] ?? all.byteLength;
            // The chunk's memory is used again afterwards: what the reader keeps must be its own.
            const chunk = all.slice(start, end);
            const result = reader.read(chunk);
            taken = end;
            if (result.state === "more") {
              chunk.fill(0xee);
              continue;
            }
            expect(result).toMatchObject({ state: "frame", value: JSON.parse(JSON.stringify(value)) });
            const rest = result.state === "frame" ? result.rest : new Uint8Array();
            expect(join(rest, all.subarray(taken))).toEqual(after);
            expect(reader.end()).toBeUndefined();
            return;
          }
          expect.unreachable("the frame never ended");
        },
      ),
    );
  });

  test("is at most 4 MiB of JSON", () => {
    const largest = "x".repeat(BOOT_FRAME_LIMIT - 2);
    expect(read(encodeBootFrame(largest))).toMatchObject({ state: "frame", value: largest });
    expect(() => encodeBootFrame(`${largest}x`)).toThrow(
      new RangeError(
        "a boot frame must hold at most 4194304 bytes of JSON, but the value has 4194305; put large data into a file and its path into the config",
      ),
    );
  });

  test("holds JSON data and nothing else", () => {
    expect(() => encodeBootFrame(undefined)).toThrow(
      new TypeError("a boot frame must hold JSON data, but the value has no JSON"),
    );
    expect(() => encodeBootFrame({ a: 1n })).toThrow(TypeError);
  });
});

describe("what is no boot frame is a failure that shows what came instead", () => {
  test.each<[string, readonly Uint8Array[], string, string]>([
    ["a line of text", [bytes("Hello, world\n")], "Hello, world\\n", "it does not begin with CPB1"],
    [
      "text after a good start",
      [bytes("CP"), bytes("U usage: 3%")],
      "CPU usage: 3%",
      "it does not begin with CPB1",
    ],
    ["binary garbage", [Uint8Array.of(0, 0xff, 0x1b)], "\\x00\\xff\\x1b", "it does not begin with CPB1"],
    [
      "a length beyond the limit",
      [headerOf(BOOT_FRAME_LIMIT + 1)],
      "CPB1\\x00@\\x00\\x01",
      "it says that it is 4194305 bytes long, more than 4194304",
    ],
    ["content that is not JSON", [headerOf(3), bytes("{]}")], "{]}", "its content is not JSON"],
    ["content that is empty", [headerOf(0)], "", "its content is not JSON"],
    [
      "content that is not UTF-8",
      [headerOf(3), Uint8Array.of(0x22, 0xff, 0x22)],
      '"\\xff"',
      "its content is not UTF-8",
    ],
  ])("%s", (_, chunks, found, problem) => {
    expect(read(...chunks)).toMatchObject({
      state: "broken",
      failure: {
        code: 13,
        message: `wanted a boot frame, found "${found}": ${problem}; something in the peer writes to the pipe, which belongs to connect-plugin alone`,
        info: { reason: "LANE_PROTOCOL", fault: "plugin", facts: { found } },
      },
    });
  });

  test("is shown in its beginning only", () => {
    const result = read(new Uint8Array(100_000).fill(0x41));
    expect(result.state === "broken" && result.failure.info?.facts).toEqual({ found: `${"A".repeat(64)}…` });
  });

  test("fails at the first wrong byte, however the bytes come", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (garbage) => {
        fc.pre(!bytes("CPB1").every((byte, index) => (garbage[index] ?? byte) === byte));
        const reader = createBootFrameReader();
        const wrong = garbage.findIndex((byte, index) => byte !== bytes("CPB1")[index]);
        for (const [index, byte] of garbage.entries()) {
          const result = reader.read(Uint8Array.of(byte));
          expect(result.state).toBe(index < wrong ? "more" : "broken");
          if (index === wrong) return;
        }
      }),
    );
  });
});

describe("the end of the bytes", () => {
  test.each([
    [0, undefined],
    [3, "the pipe ended within a boot frame, after 3 of 8 or more bytes; the peer died while it wrote"],
    [8, "the pipe ended within a boot frame, after 8 of 13 bytes; the peer died while it wrote"],
    [10, "the pipe ended within a boot frame, after 10 of 13 bytes; the peer died while it wrote"],
  ])("after %i bytes: %s", (size, message) => {
    const reader = createBootFrameReader();
    const frame = encodeBootFrame("abc");
    reader.read(frame.subarray(0, size));
    expect(reader.end()?.message).toBe(message);
  });

  test("after a frame there is nothing more to read", () => {
    const reader = createBootFrameReader();
    reader.read(encodeBootFrame(1));
    expect(reader.end()).toBeUndefined();
    expect(() => reader.read(bytes("x"))).toThrow(
      new Error("a boot frame reader reads one frame: what follows it is the lane's"),
    );
  });
});
