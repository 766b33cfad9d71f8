import { expect, it } from "vitest";
import { nearest } from "./nearest.js";

it.each([
  ["distnce", "distance"],
  ["Entry", "entry"],
  ["esential", "essential"],
  ["ocnfig", "config"],
  ["colour", undefined],
])("nearest of %s is %s", (word, expected) => {
  expect(nearest(word, ["entry", "distance", "config", "essential"])).toBe(expected);
});
