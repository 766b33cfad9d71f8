import { create } from "@bufbuild/protobuf";
import { EmptySchema } from "@bufbuild/protobuf/wkt";
import { describe, expect, test } from "vitest";
import { keepPiece, PIECE_OVERHEAD, type Piece, pieceCost, TYPED_PIECE_COST } from "./call.js";

const typed: Piece = { form: "message", desc: EmptySchema, message: create(EmptySchema) };

describe("a piece that is kept", () => {
  test.each([
    ["an array", new Uint8Array([1, 2, 3])],
    // Its `slice` is a view of the same memory.
    ["a Buffer of Node", Buffer.from([0, 1, 2, 3]).subarray(1)],
  ])("shares no bytes with what was lent, %s", (_, lent) => {
    const kept = keepPiece({ form: "bytes", bytes: lent, more: true, gzip: true });
    lent.fill(9);
    expect(kept).toEqual({ form: "bytes", bytes: new Uint8Array([1, 2, 3]), more: true, gzip: true });
  });

  test("is the same if it has no bytes", () => {
    expect(keepPiece(typed)).toBe(typed);
  });
});

test("a piece costs its bytes and what it takes to hold it; an unencoded message a fixed amount", () => {
  expect(pieceCost({ form: "bytes", bytes: new Uint8Array(10), more: false, gzip: false })).toBe(
    10 + PIECE_OVERHEAD,
  );
  expect(pieceCost(typed)).toBe(TYPED_PIECE_COST);
});
