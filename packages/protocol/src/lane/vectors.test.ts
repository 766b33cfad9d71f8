import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { EventReader, EventWriter } from "./fixtures/frame-event.js";
import { readVectors } from "./fixtures/read-vectors.js";
import { laneRules } from "./lane-rule.js";

const laneDocument = readFileSync(new URL("../../../../docs/reference/lane.md", import.meta.url), "utf8");

// Who wrote a block is who opens the calls that have a head in it, and does not answer in it.
const sides = ["host", "plugin", "host", "plugin"] as const;

describe("the vectors of docs/reference/lane.md", () => {
  const blocks = readVectors(laneDocument);

  it("are there", () => {
    expect(blocks.map((steps) => steps.length)).toEqual([4, 7, 7, 4]);
  });

  for (const [index, steps] of blocks.entries()) {
    it(`block ${index + 1} is what the encoder writes`, () => {
      const writer = new EventWriter();
      for (const { events, bytes } of steps) {
        for (const event of events) writer.write(event);
        expect(hex(writer.take())).toBe(hex(bytes));
      }
    });

    it(`block ${index + 1} is what the decoder reads`, () => {
      const reader = new EventReader(sides[index] ?? "host");
      for (const { events, bytes } of steps) expect(reader.read(bytes)).toEqual(events);
    });
  }
});

it("the rules of docs/reference/lane.md are the rules", () => {
  const rows = laneDocument.split("\n## ").find((section) => section.startsWith("Rules\n"));
  expect([...(rows ?? "").matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, rule]) => rule)).toEqual(laneRules);
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
