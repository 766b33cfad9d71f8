import { describe, expect, it } from "vitest";
import { ByteWriter } from "./byte-writer.js";
import { EventReader, EventWriter } from "./fixtures/frame-event.js";
import { FrameFlag, FrameType, MAX_PAYLOAD, MAX_PIECE } from "./frame.js";
import { checkPayload } from "./frame-decoder.js";
import { LaneProtocolError } from "./lane-rule.js";
import { defaultSettings } from "./settings.js";

/** A frame with this payload, whatever sense it makes. */
function frame(kind: number, id: number, ...payload: number[]): Uint8Array {
  const out = new ByteWriter(new Uint8Array(16));
  out.reserve(8 + payload.length);
  out.u32((payload.length << 8) | kind);
  out.u32(id);
  for (const byte of payload) out.u8(byte);
  return out.bytes.slice(0, out.at);
}

/** The host's end, as far as having read the plugin's settings. */
function readyReader(): EventReader {
  const writer = new EventWriter();
  writer.write({ is: "preface", settings: defaultSettings });
  const reader = new EventReader("host");
  reader.read(writer.take());
  return reader;
}

function ruleOf(read: () => void): { readonly rule: string; readonly message: string } | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (!(error instanceof LaneProtocolError)) throw error;
    return { rule: error.rule, message: error.message };
  }
}

describe("frames that break a rule", () => {
  const ones = (count: number) => new Array<number>(count).fill(1);
  const broken: readonly (readonly [what: string, bytes: Uint8Array, rule: string, message: string])[] = [
    ["settings twice", frame(FrameType.SETTINGS, 0), "settings", "SETTINGS must come once, but came again"],
    [
      "DATA that is too long",
      frame(FrameType.DATA, 1, ...ones(MAX_PIECE + 1)),
      "frame-length",
      "DATA may have 65536 bytes, but this one has 65537",
    ],
    [
      "END that is too long",
      frame(FrameType.END, 2, ...ones(65_537)),
      "frame-length",
      "END may have 65536 bytes, but this one has 65537",
    ],
    [
      "a call's frame without a call",
      frame(FrameType.DATA, 0, 1),
      "frame-id",
      "DATA must have the id of a call, from 1 to 2147483647, but has 0",
    ],
    [
      "an id that is too large",
      frame(FrameType.CREDIT, 0x8000_0001, 0, 0, 0, 1),
      "frame-id",
      "CREDIT must have the id of a call, from 1 to 2147483647, but has 2147483649",
    ],
    [
      "a connection's frame with a call",
      frame(FrameType.PING, 3, 0, 0, 0, 1),
      "frame-id",
      "PING must have id 0, but has 3",
    ],
    [
      "half a credit",
      frame(FrameType.CREDIT, 1, 0, 0),
      "frame-content",
      "CREDIT must be well-formed, but has 2 more bytes where 4 more are needed",
    ],
    [
      "a head without a block",
      frame(FrameType.HEAD, 1),
      "frame-content",
      "HEAD must be well-formed, but has 0 more bytes where 2 more are needed",
    ],
    [
      "a head whose block is longer than the frame",
      frame(FrameType.HEAD, 1, 0, 9, 0, 0),
      "frame-content",
      "HEAD must be well-formed, but has 2 more bytes where 9 more are needed",
    ],
    [
      "a head that goes on without a body",
      frame(FrameType.HEAD, 2, 0, 1, 0, 7),
      "frame-content",
      "HEAD without BODY must end with its block, but goes on",
    ],
    [
      "a text that is not UTF-8",
      frame(FrameType.HEAD, 1, 0, 6, 0, 0, 1, 2, 0xc3, 0x28),
      "frame-content",
      "HEAD must be well-formed, but has a text that is not UTF-8",
    ],
    [
      "a text longer than the frame",
      frame(FrameType.HEAD, 1, 0, 5, 0, 0, 1, 9, 0x61),
      "frame-content",
      "HEAD must be well-formed, but has 1 more bytes where 9 more are needed",
    ],
    [
      "a number that is too large",
      frame(FrameType.HEAD, 1, 0, 10, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
      "frame-content",
      "HEAD must be well-formed, but has a number of more than 53 bits",
    ],
    [
      "a number that is too long",
      frame(FrameType.HEAD, 1, 0, 11, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01),
      "frame-content",
      "HEAD must be well-formed, but has a number of more than 8 bytes",
    ],
    [
      "a name that nobody defined",
      frame(FrameType.HEAD, 1, 0, 4, 0, 0, 5, 2),
      "reference",
      "A reference must be to something defined, but name 3 is not",
    ],
    [
      "a chain that nobody defined",
      frame(FrameType.HEAD, 1, 0, 7, 0, 64, 1, 0, 1, 0, 2),
      "reference",
      "A reference must be to something defined, but chain 0 is not",
    ],
    [
      "a chain of nobody",
      frame(FrameType.HEAD, 1, 0, 7, 0, 64, 1, 0, 1, 0, 0),
      "frame-content",
      "HEAD must be well-formed, but has a chain of no callers",
    ],
    [
      "a caller of no known kind",
      frame(FrameType.HEAD, 1, 0, 8, 0, 64, 1, 0, 1, 0, 1, 9),
      "frame-content",
      "HEAD must be well-formed, but has a caller of the unknown kind 9",
    ],
    [
      "END inside a message",
      frame(FrameType.DATA | FrameFlag.MORE | FrameFlag.END, 1, 1),
      "call-order",
      "A message must be whole before END, but call 1 has both MORE and END",
    ],
    [
      "an outcome said by the caller",
      frame(FrameType.END, 1, 0),
      "frame-content",
      "END must be well-formed, but has a trailer or failure, for call 1 of the side that sent it",
    ],
    [
      "a failure that is missing",
      frame(FrameType.END | FrameFlag.FAILED, 2),
      "frame-content",
      "END must be well-formed, but has 0 more bytes where 1 more are needed",
    ],
  ];

  for (const [what, bytes, rule, message] of broken) {
    it(what, () => {
      const reader = readyReader();
      expect(ruleOf(() => reader.read(bytes))).toEqual({ rule, message });
    });
  }

  it("anything before the settings", () => {
    const preface = Uint8Array.of(
      0xf0,
      0x63,
      0x70,
      0x6c,
      0x61,
      0x6e,
      0x65,
      1,
      ...frame(FrameType.PING, 0, 0, 0, 0, 1),
    );
    expect(ruleOf(() => new EventReader("host").read(preface))).toEqual({
      rule: "settings",
      message: "SETTINGS must come first, but PING did",
    });
  });

  it("settings that nobody can keep to", () => {
    const writer = new EventWriter();
    writer.write({ is: "preface", settings: { ...defaultSettings, initialWindow: 2 ** 31 } });
    const bytes = writer.take();
    expect(ruleOf(() => new EventReader("host").read(bytes))).toEqual({
      rule: "frame-content",
      message: "SETTINGS must be well-formed, but has an initial window of 2147483648 bytes",
    });
  });

  it("a frame longer than any, as soon as its header is there", () => {
    expect(() => checkPayload(FrameType.HEAD, MAX_PAYLOAD)).not.toThrow();
    expect(ruleOf(() => checkPayload(FrameType.HEAD, MAX_PAYLOAD + 1))).toEqual({
      rule: "frame-length",
      message: "HEAD may have 131072 bytes, but this one has 131073",
    });
    expect(ruleOf(() => checkPayload(12, 0xff_ffff))).toEqual({
      rule: "frame-length",
      message: "type 12 may have 131072 bytes, but this one has 16777215",
    });
  });

  it("a chain of more callers than a lane carries", () => {
    const caller = [1, 0, 0, 0, 0];
    const block = [0, 64, 1, 0, 1, 0, ...new Array<number[]>(65).fill(caller).flat(), 0];
    const bytes = frame(FrameType.HEAD, 1, block.length >>> 8, block.length & 0xff, ...block);
    expect(ruleOf(() => readyReader().read(bytes))).toEqual({
      rule: "frame-content",
      message: "HEAD must be well-formed, but has a chain of more than 64 callers",
    });
  });
});

describe("what a later version may say", () => {
  it("types of frames, flags, settings and parts of a head that are not known are ignored", () => {
    const reader = readyReader();
    expect(reader.read(frame(0x0f | 0xf0, 77, 1, 2, 3))).toEqual([]);
    expect(reader.read(frame(FrameType.PING | 0xe0, 0, 0, 0, 0, 1))).toEqual([
      { is: "ping", nonce: 1, isAnswer: false },
    ]);
    const later = frame(FrameType.HEAD, 1, 0, 10, 0xe7, 0x80, 1, 1, 0x61, 1, 1, 0x62, 0xaa, 0xbb);
    expect(reader.read(later)).toMatchObject([
      {
        is: "head",
        id: 1,
        head: { service: "a", method: "b", kind: "unknown", codec: "proto", deadline: Infinity },
      },
    ]);
    const preface = [0xf0, 0x63, 0x70, 0x6c, 0x61, 0x6e, 0x65, 1];
    const unknown = frame(FrameType.SETTINGS, 0, 99, 5, 2, 7);
    expect(new EventReader("host").read(Uint8Array.of(...preface, ...unknown))).toEqual([
      { is: "preface", settings: { ...defaultSettings, maxCalls: 7 } },
    ]);
  });
});
