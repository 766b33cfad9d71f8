import { describe, expect, test } from "vitest";
import { createRow, type Target, toJson } from "./row.js";

const measured = { name: "echo", unit: "calls/s", peer: "other" };

test("a row holds medians, and the median of the rounds' ratios instead of the ratio of the medians", () => {
  const row = createRow({ ...measured, ours: [10, 100, 30], theirs: [1, 20, 15] });
  expect(row).toEqual({
    name: "echo",
    unit: "calls/s",
    ours: 30,
    peer: "other",
    peerValue: 15,
    ratio: 5,
    target: null,
    met: null,
    ratioLow: 2,
    ratioHigh: 10,
  });
});

describe("targets", () => {
  const cases: [Target, number[], number[], string, boolean][] = [
    [{ kind: "ratio at least", value: 2 }, [4], [2], ">= 2x", true],
    [{ kind: "ratio at least", value: 2 }, [3.9], [2], ">= 2x", false],
    [{ kind: "ratio at most", value: 0.3 }, [3], [10], "<= 0.3x", true],
    [{ kind: "ratio at most", value: 0.3 }, [3.1], [10], "<= 0.3x", false],
    [{ kind: "ratio at most", value: 0 }, [0], [10], "<= 0x", true],
    [{ kind: "adds at most", value: 16 }, [46], [30], "<= 16 calls/s more", true],
    [{ kind: "adds at most", value: 16 }, [47], [30], "<= 16 calls/s more", false],
  ];
  test.each(cases)("%o of %o against %o: %s is met: %s", (target, ours, theirs, words, met) => {
    const row = createRow({ ...measured, ours, theirs, target });
    expect({ target: row.target, met: row.met }).toEqual({ target: words, met });
  });
});

test("whether a target is met is decided before rounding", () => {
  const row = createRow({
    ...measured,
    ours: [0.300_001],
    theirs: [1],
    target: { kind: "ratio at most", value: 0.3 },
  });
  expect(row).toMatchObject({ ratio: 0.3, met: false });
});

test("the file is an array of objects with eight fields", () => {
  const row = createRow({
    ...measured,
    ours: [4],
    theirs: [2],
    target: { kind: "ratio at least", value: 2 },
  });
  expect(JSON.parse(toJson([row]))).toEqual([
    {
      name: "echo",
      unit: "calls/s",
      ours: 4,
      peer: "other",
      peerValue: 2,
      ratio: 2,
      target: ">= 2x",
      met: true,
    },
  ]);
  expect(toJson([])).toBe("[]\n");
});
