import { describe, expect, test } from "vitest";
import { describeExit, EXIT, GUARD_FD, LANE_FD } from "./launch-contract.js";

test("the descriptors are those after stdin, stdout and stderr", () => {
  expect([LANE_FD, GUARD_FD]).toEqual([3, 4]);
});

describe("the exit of a process", () => {
  test.each(Object.entries(EXIT))("%s (%i) has a meaning of its own", (_, code) => {
    expect(describeExit(code, null)).toMatch(new RegExp(`^ended with code ${code}: [a-z].+$`));
  });

  test("has numbers that neither Node nor a shell uses", () => {
    const codes = Object.values(EXIT);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes.filter((code) => code !== 0 && (code < 79 || code > 125))).toEqual([]);
  });

  test.each([
    [EXIT.entry, null, "ended with code 82: could not load the plugin file"],
    [1, null, "ended with code 1"],
    [null, "SIGKILL", "was ended by SIGKILL"],
    [null, null, "ended"],
  ])("%s %s is told as: %s", (code, signal, words) => {
    expect(describeExit(code, signal)).toBe(words);
  });
});
