import { describe, expect, it } from "vitest";
import { createOutputLines, LINE_LIMIT } from "./output-lines.js";

function linesOf(...chunks: (string | Uint8Array)[]): string[] {
  const told: string[] = [];
  const lines = createOutputLines((line) => told.push(line));
  for (const chunk of chunks) lines.add(Buffer.from(chunk));
  lines.finish();
  return told;
}

describe("createOutputLines", () => {
  it("cuts at line ends, wherever the chunks are cut", () => {
    expect(linesOf("a\nb", "c\r", "\n\n", "d")).toEqual(["a", "bc", "", "d"]);
  });

  it("tells nothing after a last line that has its end", () => {
    expect(linesOf("a\n")).toEqual(["a"]);
    expect(linesOf()).toEqual([]);
  });

  it("puts characters together that come in pieces", () => {
    const bytes = Buffer.from("grüße 🎉\n");
    expect(linesOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(["grüße 🎉"]);
  });

  it("keeps a line of exactly the limit", () => {
    expect(linesOf(`${"x".repeat(LINE_LIMIT)}\n`)).toEqual(["x".repeat(LINE_LIMIT)]);
  });

  it("cuts a longer line, says by how much, and goes on with the next", () => {
    const told = linesOf("x".repeat(5_000), "x".repeat(5_000), "\nnext\n");
    expect(told).toEqual([
      `${"x".repeat(LINE_LIMIT)} … [cut: the line has ${10_000 - LINE_LIMIT} more bytes]`,
      "next",
    ]);
  });

  it.each([
    ["é", 2],
    ["€", 3],
    ["🎉", 4],
  ])("never cuts through %s", (character, size) => {
    const [line] = linesOf(`a${character.repeat(LINE_LIMIT)}\n`);
    const kept = Math.floor((LINE_LIMIT - 1) / size);
    const missing = size * LINE_LIMIT - kept * size;
    expect(line).toBe(`a${character.repeat(kept)} … [cut: the line has ${missing} more bytes]`);
  });

  it("takes what is no text", () => {
    expect(linesOf(Uint8Array.of(0xff, 0x00, 0x80, 0x0a))).toEqual(["\ufffd\u0000\ufffd"]);
    expect(linesOf(new Uint8Array(LINE_LIMIT + 10).fill(0x80))[0]).toContain(
      "[cut: the line has 10 more bytes]",
    );
  });
});
