import { expect, test } from "vitest";
import { median, ratios, significant } from "./ratio.js";

test("the median is the middle value, whatever the order", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4])).toBe(4);
});

test("the median of an even number of values is the mean of the two in the middle", () => {
  expect(median([10, 1, 2, 4])).toBe(3);
});

test("the median leaves the values as they were", () => {
  const values = [3, 1, 2];
  median(values);
  expect(values).toEqual([3, 1, 2]);
});

test("there is no median of nothing", () => {
  expect(() => median([])).toThrow(new RangeError("median: wanted at least one value, found none"));
});

test("ratios compare what was measured in the same round", () => {
  expect(ratios([10, 30], [5, 10])).toEqual([2, 3]);
});

test("ratios want as many of ours as of theirs", () => {
  expect(() => ratios([1, 2], [1])).toThrow(
    new RangeError("ratios: wanted as many of ours as of theirs, found 2 and 1"),
  );
});

test("numbers are rounded by digits, not by places", () => {
  expect(significant(123_456, 3)).toBe(123_000);
  expect(significant(0.012_345, 3)).toBe(0.0123);
});
