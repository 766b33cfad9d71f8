import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type CarrierEnvironment, carrierEnvironment, checkEnvironment } from "./carrier-environment.js";

const before = { ...process.env };

beforeEach(() => {
  process.env = {
    PATH: "/bin",
    HOME: "/h/me",
    LC_TIME: "de_DE",
    NODE_ENV: "test",
    DATABASE_URL: "postgres://user:secret@db",
    NODE_OPTIONS: "--inspect",
    NODE_EXTRA_CA_CERTS: "/ca.pem",
  };
});

afterEach(() => {
  process.env = before;
});

describe("carrierEnvironment", () => {
  const few = { PATH: "/bin", HOME: "/h/me", LC_TIME: "de_DE", NODE_ENV: "test" };

  it("passes on a few variables that are no secrets", () => {
    expect(carrierEnvironment([])).toEqual(few);
  });

  it("passes on what is named, as far as it is there", () => {
    expect(carrierEnvironment(["NODE_EXTRA_CA_CERTS", "NOT_THERE"])).toEqual({
      ...few,
      NODE_EXTRA_CA_CERTS: "/ca.pem",
    });
  });

  it("sets and takes away what is given", () => {
    const { HOME, ...rest } = few;
    expect(HOME).toBe("/h/me");
    expect(carrierEnvironment({ HOME: undefined, PATH: "/opt/bin", MODE: "fast" })).toEqual({
      ...rest,
      PATH: "/opt/bin",
      MODE: "fast",
    });
  });
});

describe("checkEnvironment", () => {
  it.each([
    [[7], "the number 7"],
    [["A\0"], 'the text "A\\x00"'],
    [{ A: 7 }, "the number 7"],
    [{ "A\0": "x" }, 'the text "A\\x00"'],
  ])("refuses %j", (value, found) => {
    expect(() => checkEnvironment("worker: env", value as unknown as CarrierEnvironment)).toThrow(
      new TypeError(`worker: env must hold texts without NUL, but one is ${found}`),
    );
  });

  it("takes none for no more", () => {
    expect(checkEnvironment("env", undefined)).toEqual([]);
  });
});
