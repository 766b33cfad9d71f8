import { expect, it } from "vitest";
import { createLastOutput } from "./last-output.js";

it("keeps the end of what was written, in order", () => {
  const lines = createLastOutput(3);
  expect(lines.list()).toEqual([]);
  for (const line of ["a", "b"]) lines.add(line);
  expect(lines.list()).toEqual(["a", "b"]);
  for (const line of ["c", "d", "e", "f"]) lines.add(line);
  expect(lines.list()).toEqual(["d", "e", "f"]);
});
