import { describe, expect, test } from "vitest";
import { checkCookie, DEFAULT_COOKIE, resolveCookie } from "./cookie.js";

describe("g-12 the magic cookie", () => {
  test("is by default that of connect-plugin for Go", () => {
    expect(DEFAULT_COOKIE).toEqual({ key: "CONNECT_PLUGIN", value: "d3f40b3c2e1a5f8b9c4d7e6a1b2c3d4e" });
    expect(resolveCookie(undefined, undefined)).toEqual(DEFAULT_COOKIE);
  });

  test("is customised by its key; a value alone counts for nothing", () => {
    expect(resolveCookie("MINE", "x")).toEqual({ key: "MINE", value: "x" });
    expect(resolveCookie("MINE", undefined)).toEqual({ key: "MINE", value: "" });
    expect(resolveCookie("", "x")).toEqual(DEFAULT_COOKIE);
  });

  test("that matches is no failure", () => {
    expect(checkCookie({ ...DEFAULT_COOKIE }, DEFAULT_COOKIE)).toBeUndefined();
  });

  test.each([
    ["key", { key: "OTHER", value: DEFAULT_COOKIE.value }],
    ["value", { key: DEFAULT_COOKIE.key, value: "other" }],
  ])("with another %s is a clear failure that does not tell it", (part, found) => {
    const failure = checkCookie(found, DEFAULT_COOKIE);
    expect(failure).toMatchObject({
      code: 3,
      message: `the ${part} of the magic cookie is not the one that this host wants: the plugin belongs to another host, or one of the two sets a cookie that the other does not`,
      info: { reason: "COOKIE_MISMATCH", fault: "plugin", facts: { part } },
    });
    expect(JSON.stringify(failure)).not.toContain(DEFAULT_COOKIE.value);
  });
});
