import { expect, test } from "vitest";
import { interleave } from "./interleave.js";

test("sides take turns, and each gets one result for each round", async () => {
  const order: string[] = [];
  const measure = (name: string) => async () => {
    order.push(name);
    return `${name}${order.length}`;
  };
  expect(await interleave(2, [measure("a"), measure("b")])).toEqual([
    ["a1", "a3"],
    ["b2", "b4"],
  ]);
  expect(order).toEqual(["a", "b", "a", "b"]);
});
