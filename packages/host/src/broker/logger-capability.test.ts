import { Logger } from "@connect-plugin/protocol";
import { createServiceClient } from "@connect-plugin/rpc";
import { describe, expect, test } from "vitest";
import { createPrincipals } from "../auth/principals.js";
import type { HostEvent } from "../event.js";
import { createBroker } from "./broker.js";

function createLog() {
  const events: HostEvent[] = [];
  const broker = createBroker({ emit: (event) => events.push(event) });
  const kv = createPrincipals().plugin({ plugin: "kv", instanceId: "kv-1" });
  const use = broker.use(kv, undefined, Logger.typeName, "Log");
  if (use.kind === "failure") throw new Error(use.failure.message);
  return { events, log: createServiceClient(Logger, use.handler).log };
}

describe("the logger", () => {
  test("is lent to everybody, and puts the proven name to each line", async () => {
    const { events, log } = createLog();
    await log({ level: "warn", message: "low on disk", fields: { free: "12 MB", plugin: "forged" } });
    expect(events).toEqual([
      {
        type: "plugin.log",
        plugin: "kv",
        level: "warn",
        message: "low on disk",
        fields: { free: "12 MB", plugin: "forged" },
      },
    ]);
  });

  test("takes a level that it does not know for info", async () => {
    const { events, log } = createLog();
    for (const level of ["debug", "info", "warn", "error", "ERROR", "", "trace"]) await log({ level });
    expect(events.map((event) => event.type === "plugin.log" && event.level)).toEqual([
      "debug",
      "info",
      "warn",
      "error",
      "info",
      "info",
      "info",
    ]);
  });

  test("lets nothing through that could forge a line or move a cursor", async () => {
    const { events, log } = createLog();
    await log({ message: "a\nINFO forged\u001b[2J\u202e\u0000", fields: { "b\r": "c\u2028" } });
    expect(events).toMatchObject([
      { message: "a\\nINFO forged\\x1b[2J\\u{202e}\\x00", fields: { "b\\r": "c\\u{2028}" } },
    ]);
  });

  test("bounds a line, and marks what it cut", async () => {
    const { events, log } = createLog();
    const fields = Object.fromEntries(
      Array.from({ length: 70 }, (_, index) => [`f${index}`, "v".repeat(5_000)]),
    );
    await log({ message: "m".repeat(20_000), fields: { ["n".repeat(200)]: "1", ...fields } });
    const [event] = events;
    if (event?.type !== "plugin.log") throw new Error("expected a line");
    expect(event.message).toBe(`${"m".repeat(16_384)}…`);
    const entries = Object.entries(event.fields);
    expect(entries).toHaveLength(65);
    expect(event.fields[`${"n".repeat(128)}…`]).toBe("1");
    expect(event.fields.f0).toBe(`${"v".repeat(4_096)}…`);
    expect(entries.at(-1)).toEqual(["…", "7 more"]);
  });
});
