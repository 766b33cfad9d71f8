import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  isAtLeast,
  isRange,
  isVersion,
  negotiateVersion,
  noCommonVersion,
  satisfies,
  spokenVersions,
} from "./version.js";

describe("f-2-4 versions are semantic versions", () => {
  test.each(["1.2.3", "0.0.0", "1.10.0", "1.0.0-rc.1", "1.0.0+build.5", "1.0.0-a.1+b.2"])(
    "%s is one",
    (text) => {
      expect(isVersion(text)).toBe(true);
    },
  );

  test.each([
    "",
    "1",
    "1.2",
    "v1.2.3",
    "=1.2.3",
    " 1.2.3",
    "1.2.3 ",
    "01.2.3",
    "1.2.3.4",
    "1.2.x",
    "1.2.3\n",
  ])("%j is none", (text) => {
    expect(isVersion(text)).toBe(false);
  });

  test("a version is at most 64 characters long, a range 128", () => {
    expect(isVersion(`1.0.0-${"a".repeat(58)}`)).toBe(true);
    expect(isVersion(`1.0.0-${"a".repeat(59)}`)).toBe(false);
    expect(isRange(`>=1.0.0-${"a".repeat(120)}`)).toBe(true);
    expect(isRange(`>=1.0.0-${"a".repeat(121)}`)).toBe(false);
  });

  test.each(["^1.2.0", "~1.2", "1.x", "*", ">=1 <3", "1.0.0 || 2.0.0", "1.2.3"])("%s is a range", (text) => {
    expect(isRange(text)).toBe(true);
  });

  test.each(["", " ", "latest", "^", "1.2.3.4", ">>1", "^1.0.0; rm"])("%j is no range", (text) => {
    expect(isRange(text)).toBe(false);
  });

  test.each([
    ["1.10.0", "1.9.0"],
    ["1.0.0", "1.0.0-rc.1"],
    ["1.0.0-rc.10", "1.0.0-rc.9"],
    ["1.0.0-rc.1", "1.0.0-alpha"],
    ["2.0.0", "1.99.99"],
  ])("%s comes after %s", (later, earlier) => {
    expect(isAtLeast(later, earlier)).toBe(true);
    expect(isAtLeast(earlier, later)).toBe(false);
  });

  test("build metadata counts for nothing", () => {
    expect(isAtLeast("1.0.0+a", "1.0.0+b")).toBe(true);
    expect(isAtLeast("1.0.0+b", "1.0.0+a")).toBe(true);
    expect(satisfies("1.2.3+b", "1.2.3")).toBe(true);
  });

  test.each([
    ["1.10.0", "^1.9.0", true],
    ["2.0.0", "^1.9.0", false],
    ["0.3.0", "^0.2.0", false],
    ["1.2.0-rc.1", "^1.0.0", false],
    ["1.2.0-rc.2", "^1.2.0-rc.1", true],
    ["nonsense", "*", false],
    ["1.0.0", "nonsense", false],
    ["1.0.0", "", false],
  ])("%s in %s: %s", (version, range, inside) => {
    expect(satisfies(version, range)).toBe(inside);
  });

  test("a minimum is met by pre-releases above it, and an empty one by all", () => {
    expect(isAtLeast("1.2.0-rc.1", "1.1.0")).toBe(true);
    expect(isAtLeast("anything", "")).toBe(true);
    expect(isAtLeast("anything", "1.0.0")).toBe(false);
    expect(isAtLeast("1.0.0", "anything")).toBe(false);
  });
});

describe("f-1-2 ranges of protocol versions", () => {
  test.each([
    { host: [1], plugin: spokenVersions(1, []), chosen: 1, who: "a peer in Go and an old host" },
    { host: [1, 2, 3], plugin: spokenVersions(1, []), chosen: 1, who: "a peer in Go and a new host" },
    { host: [1], plugin: spokenVersions(2, [2, 1]), chosen: 1, who: "a new plugin and an old host" },
    { host: [1, 2], plugin: spokenVersions(3, [1, 2, 3]), chosen: 2, who: "overlapping ranges" },
    {
      host: [2, 3],
      plugin: spokenVersions(1, []),
      chosen: undefined,
      who: "a host that has dropped Go's version",
    },
    { host: [], plugin: [1], chosen: undefined, who: "a host that speaks nothing" },
  ])("$who: $chosen", ({ host, plugin, chosen }) => {
    expect(negotiateVersion(host, plugin)).toBe(chosen);
    expect(negotiateVersion(plugin, host)).toBe(chosen);
  });

  test("the chosen one is the highest that both have, whoever asks", () => {
    const versions = fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 8 });
    fc.assert(
      fc.property(versions, versions, (ours, theirs) => {
        const common = ours.filter((version) => theirs.includes(version));
        const highest = common.length === 0 ? undefined : Math.max(...common);
        expect(negotiateVersion(ours, theirs)).toBe(highest);
        expect(negotiateVersion(theirs, ours)).toBe(highest);
      }),
    );
  });

  test("no version in common is one error that lists both sides", () => {
    expect(noCommonVersion("core", [3, 2], [1])).toMatchObject({
      code: 3,
      message:
        "host and plugin have no core protocol version in common: the host speaks 2, 3, the plugin speaks 1; upgrade the SDK of the older side",
      info: { reason: "CORE_VERSION_UNSUPPORTED", fault: "plugin", facts: { host: "2, 3", plugin: "1" } },
    });
    expect(noCommonVersion("app", [1], [9])).toMatchObject({
      code: 9,
      message:
        "host and plugin have no app protocol version in common: the host speaks 1, the plugin speaks 9; use a plugin that was built for this application",
      info: { reason: "APP_VERSION_UNSUPPORTED" },
    });
  });

  test("a long list is cut", () => {
    const many = Array.from({ length: 40 }, (_, i) => i);
    expect(noCommonVersion("core", many, []).info?.facts).toEqual({
      host: "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, … (40)",
      plugin: "none",
    });
  });
});
