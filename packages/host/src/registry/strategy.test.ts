import { describe, expect, test } from "vitest";
import { choose, type Strategy } from "./strategy.js";

interface Named {
  readonly name: string;
  readonly record: { readonly weight: number };
  readonly use: { inFlight: number };
}

function candidate(name: string, weight = 1, inFlight = 0): Named {
  return { name, record: { weight }, use: { inFlight } };
}

function run(
  strategy: Strategy,
  count: number,
  candidates: readonly [Named, ...Named[]],
  random = () => 0,
): string {
  const turn = { next: 0 };
  return Array.from({ length: count }, () => choose(strategy, candidates, turn, random).name).join("");
}

describe("choose", () => {
  const three = [candidate("a"), candidate("b"), candidate("c")] as const;

  test("first is always the first", () => {
    expect(run("first", 4, [...three])).toBe("aaaa");
  });

  test("round-robin goes around", () => {
    expect(run("round-robin", 7, [...three])).toBe("abcabca");
  });

  test("round-robin goes on when candidates have gone", () => {
    const turn = { next: 0 };
    for (let count = 0; count < 3; count++) choose("round-robin", [...three], turn, Math.random);
    expect(choose("round-robin", [three[0], three[1]], turn, Math.random).name).toBe("b");
  });

  test("random goes by the generator", () => {
    const numbers = [0, 0.34, 0.67, 0.999_999];
    expect(run("random", 4, [...three], () => numbers.shift() ?? 0)).toBe("abcc");
  });

  test("weighted goes by the weights", () => {
    const numbers = [0, 0.19, 0.21, 0.49, 0.51, 0.99];
    const weighted = [candidate("a", 2), candidate("b", 3), candidate("c", 5)] as const;
    expect(run("weighted", 6, [...weighted], () => numbers.shift() ?? 0)).toBe("aabbcc");
  });

  test("weighted gives nothing to weight 0 unless there is nothing else", () => {
    expect(run("weighted", 2, [candidate("a", 0), candidate("b", 1)], () => 0)).toBe("bb");
    expect(run("weighted", 2, [candidate("a", 0), candidate("b", 0)], () => 0.5)).toBe("aa");
  });

  test("least-loaded takes the one with the fewest calls, and turns among equals", () => {
    expect(run("least-loaded", 3, [candidate("a", 1, 2), candidate("b", 1, 1), candidate("c", 1, 2)])).toBe(
      "bbb",
    );
    expect(run("least-loaded", 4, [...three])).toBe("abca");
  });
});
