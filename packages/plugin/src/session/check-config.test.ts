import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { checkConfig } from "./check-config.js";

const schema = z.object({
  path: z.string(),
  servers: z.array(z.object({ port: z.number() })).default([]),
  mode: z.enum(["fast", "safe"]).default("safe"),
});

async function messageOf(given: unknown, by: StandardSchemaV1 | undefined = schema): Promise<string> {
  const checked = await checkConfig("kv", by, given);
  if (checked.ok) throw new Error("it was expected to be refused");
  expect(checked.failure).toMatchObject({
    code: 3,
    info: { reason: "CONFIG_INVALID", facts: { plugin: "kv", phase: "config" } },
  });
  return checked.failure.message;
}

/** A schema that says what it wants to. */
function saying(...issues: StandardSchemaV1.Issue[]): StandardSchemaV1 {
  return { "~standard": { version: 1, vendor: "test", validate: () => ({ issues }) } };
}

describe("a config that fits", () => {
  test("comes out as the schema made it", async () => {
    expect(await checkConfig("kv", schema, { path: "./data" })).toEqual({
      ok: true,
      config: { path: "./data", servers: [], mode: "safe" },
    });
  });
  test("may be checked asynchronously", async () => {
    const slow = z.string().transform(async (text) => text.length);
    expect(await checkConfig("kv", slow, "four")).toEqual({ ok: true, config: 4 });
  });
  test("may be absent where nothing in it is required", async () => {
    const relaxed = z.object({ max: z.number().default(10) });
    expect(await checkConfig("kv", relaxed, undefined)).toEqual({ ok: true, config: { max: 10 } });
    expect(await checkConfig("kv", relaxed, null)).toEqual({ ok: true, config: { max: 10 } });
    expect(await checkConfig("kv", z.undefined(), undefined)).toEqual({ ok: true, config: undefined });
  });
  test("is nothing for a plugin that takes none", async () => {
    for (const none of [undefined, null, {}]) {
      expect(await checkConfig("kv", undefined, none)).toEqual({ ok: true, config: undefined });
    }
  });
});

describe("a config that does not fit", () => {
  test("is told with every path", async () => {
    expect(await messageOf({ path: 3, servers: [{ port: 1 }, { port: "x" }] })).toBe(
      'Plugin "kv" cannot start: its config does not fit:\n' +
        "  - config.path: Invalid input: expected string, received number\n" +
        "  - config.servers[1].port: Invalid input: expected number, received string",
    );
  });
  test("is told as missing where there is none", async () => {
    expect(await messageOf(undefined)).toBe(
      'Plugin "kv" cannot start: no config was given, and it takes some: ' +
        "config.path: Invalid input: expected string, received undefined",
    );
  });
  test("is refused by a plugin that takes none", async () => {
    const checked = await checkConfig("kv", undefined, { path: "./data" });
    expect(checked).toMatchObject({
      ok: false,
      failure: {
        message: 'Plugin "kv" cannot start: it takes no config, but was given "path". Take it out.',
      },
    });
    expect(await checkConfig("kv", undefined, 3)).toMatchObject({
      failure: {
        message: 'Plugin "kv" cannot start: it takes no config, but was given a number. Take it out.',
      },
    });
  });
  test("is the plugin's fault where its schema throws", async () => {
    const broken = z.string().transform(() => {
      throw new Error("boom with hunter2hunter2");
    });
    const checked = await checkConfig("kv", broken, "hunter2hunter2");
    expect(checked).toMatchObject({ ok: false, failure: { info: { fault: "plugin" } } });
    expect(await messageOf("hunter2hunter2", broken)).toBe(
      'Plugin "kv" cannot start: its config schema threw: boom with [hidden]. A schema reports issues and does not throw.',
    );
  });
  test("is listed up to a limit", async () => {
    const many = saying(
      ...Array.from({ length: 30 }, (_, index) => ({ message: "no", path: ["list", index] })),
    );
    const lines = (await messageOf({}, many)).split("\n");
    expect(lines).toHaveLength(22);
    expect(lines[20]).toBe("  - config.list[19]: no");
    expect(lines[21]).toBe("  - and 10 more");
  });
  test("has odd keys quoted, and segments as objects", async () => {
    const odd = saying({ message: "no", path: [{ key: "my key" }, { key: 0 }, Symbol.iterator] });
    expect(await messageOf({}, odd)).toContain('config["my key"][0]["Symbol(Symbol.iterator)"]: no');
  });
});

describe("values are never printed", () => {
  test("not by schemas that quote what they were given", async () => {
    const quoting = saying(
      { message: 'Expected number but received "s3cr"', path: ["short"] },
      { message: "Invalid value: hunter2-hunter2 is too simple", path: ["other"] },
      { message: "Invalid pin 4711, it must have more than 47 digits", path: ["pin"] },
      { message: "Expected a string", path: ["type"] },
    );
    const message = await messageOf(
      { short: "s3cr", token: "hunter2-hunter2", pin: 4711, type: "string" },
      quoting,
    );
    expect(message).toContain("config.short: Expected number but received [hidden]");
    expect(message).toContain("config.other: Invalid value: [hidden] is too simple");
    expect(message).toContain("config.pin: Invalid pin [hidden], it must have more than 47 digits");
    expect(message).toContain("config.type: Expected a string");
  });
  test("not deep inside, not escaped, and not in circles", async () => {
    const config: Record<string, unknown> = { deep: [{ er: 'pass"word\nwith lines' }] };
    config.self = config;
    const quoting = saying({ message: `got ${JSON.stringify(config.deep)}`, path: ["deep"] });
    expect(await messageOf(config, quoting)).not.toContain("word");
  });
});
