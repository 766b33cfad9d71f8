import { describe, expect, it } from "vitest";
import type { Metadata } from "../call.js";
import { EventReader, EventWriter } from "./fixtures/frame-event.js";
import { MAX_METADATA_FIELDS, metadataSize } from "./metadata-block.js";
import { defaultSettings } from "./settings.js";

/** What a host reads of a plugin's response with this header, if it accepts `limit` bytes, and of one after it. */
function readHeader(header: Metadata, limit: number) {
  const writer = new EventWriter();
  writer.write({ is: "preface", settings: defaultSettings });
  writer.write({ is: "header", id: 2, header });
  writer.seal();
  writer.write({ is: "header", id: 4, header: header.slice(0, 1) });
  return new EventReader("host", limit).read(writer.take()).slice(1);
}

describe("metadata", () => {
  it("counts as the bytes of its names and values", () => {
    expect(metadataSize([])).toBe(0);
    expect(
      metadataSize([
        ["ab", "cd"],
        ["é", "漢😀"],
      ]),
    ).toBe(4 + 2 + 3 + 4);
    expect(metadataSize([["a", "\ud800"]])).toBe(1 + 3);
    expect(metadataSize(new Array(MAX_METADATA_FIELDS + 1).fill(["", ""]))).toBe(Number.POSITIVE_INFINITY);
  });

  it("is read up to the limit", () => {
    const header: Metadata = [["name", "é".repeat(8)]];
    expect(readHeader(header, 20)[0]).toEqual({ is: "header", id: 2, header });
  });

  it("beyond it is left out, but the names that it defines are remembered", () => {
    const header: Metadata = [
      ["name", "1"],
      ["other", "é".repeat(8)],
    ];
    expect(readHeader(header, 20)).toEqual([
      { is: "too-large", id: 2 },
      { is: "header", id: 4, header: [["name", "1"]] },
    ]);
  });

  it("may not have very many fields, however short they are", () => {
    const most: Metadata = new Array(MAX_METADATA_FIELDS).fill(["a", ""]);
    expect(readHeader(most, 16_384)[0]).toEqual({ is: "header", id: 2, header: most });
    expect(readHeader([...most, ["a", ""]], 16_384)[0]).toEqual({ is: "too-large", id: 2 });
  });
});
