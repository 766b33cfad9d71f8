import { expect, test } from "vitest";
import { describeValue } from "./describe-value.js";

class Named {}

test.each([
  [undefined, "undefined"],
  [null, "null"],
  ["a\nb", 'the text "a\\nb"'],
  [3, "the number 3"],
  [true, "the boolean true"],
  [1n, "a bigint"],
  [Symbol("x"), "a symbol"],
  [[1, 2], "an array of 2"],
  [{}, "an object without keys"],
  [{ a: 1 }, "an object with the key a"],
  [{ a: 1, b: 2 }, "an object with the keys a, b"],
  [{ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 }, "an object with the keys a, b, c, d, e, f, …"],
  [{ "\u001b[2J": 1 }, "an object with the key \\x1b[2J"],
  [function named() {}, "a function named named"],
  [Named, "a class named Named"],
  [() => 1, "a function"],
])("%s is %s", (value, words) => {
  expect(describeValue(value)).toBe(words);
});
