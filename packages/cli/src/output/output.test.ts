import { describe, expect, it } from "vitest";
import { formatDuration, formatMicros, parseDuration } from "./duration.js";
import { createOutput } from "./output.js";
import { formatTable } from "./table.js";

function capture(json: boolean) {
  const out: string[] = [];
  const err: string[] = [];
  const stream = (lines: string[]) => ({ write: (text: string) => lines.push(text) });
  return { out, err, output: createOutput(json, { stdout: stream(out), stderr: stream(err) }) };
}

describe("createOutput", () => {
  it("shows text to people", () => {
    const { out, err, output } = capture(false);
    output.result("kv is ready", { plugin: "kv" });
    output.remark("by the way");
    output.problem("no such plugin", { reason: "UNKNOWN_PLUGIN" });
    expect(out).toEqual(["kv is ready\n"]);
    expect(err).toEqual(["by the way\n", "no such plugin\n"]);
  });

  it("gives programs one JSON value a line and nothing else", () => {
    const { out, err, output } = capture(true);
    output.result("kv is ready", { plugin: "kv" });
    output.remark("by the way");
    output.problem("no such plugin", { reason: "UNKNOWN_PLUGIN" });
    expect(out).toEqual(['{"plugin":"kv"}\n']);
    expect(err).toEqual(['{"error":{"reason":"UNKNOWN_PLUGIN"}}\n']);
  });
});

it("formatTable lines columns up", () => {
  expect(
    formatTable(
      ["name", "state"],
      [
        ["kv", "ready"],
        ["shortener", ""],
      ],
    ),
  ).toBe("NAME       STATE\nkv         ready\nshortener");
});

it.each([
  [0.4, "0ms"],
  [999, "999ms"],
  [12_000, "12s"],
  [200_000, "3m 20s"],
  [18_720_000, "5h 12m"],
  [349_200_000, "4d 1h"],
])("formatDuration(%d) is %s", (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it.each([
  [85, "85µs"],
  [1_234, "1.2ms"],
  [3_400_000, "3.4s"],
])("formatMicros(%d) is %s", (micros, text) => {
  expect(formatMicros(micros)).toBe(text);
});

it.each([
  ["500ms", 500],
  ["10s", 10_000],
  ["1.5", 1_500],
  ["2m", 120_000],
  ["0", undefined],
  ["soon", undefined],
  ["-3s", undefined],
])("parseDuration(%s) is %s", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});
