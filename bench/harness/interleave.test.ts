import { expect, test } from "vitest";
import { interleave } from "./interleave.js";

test("sides take turns, and each gets one result for each round", async () => {
  const order: string[] = [];
  const measure = (name: string) => async () => {
    order.push(name);
    return `${name}${order.length}`;
  };
  expect(
    await interleave({ rounds: 2, limitMs: Number.POSITIVE_INFINITY }, [measure("a"), measure("b")]),
  ).toEqual([
    ["a1", "a3"],
    ["b2", "b4"],
  ]);
  expect(order).toEqual(["a", "b", "a", "b"]);
});

test("no further round begins after the limit, but the first does", async () => {
  expect(await interleave({ rounds: 9, limitMs: -1 }, [async () => "a"])).toEqual([["a"]]);
});
