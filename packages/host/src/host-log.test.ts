import { createFailure } from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import type { HostEvent } from "./event.js";
import { logTo, showOn } from "./host-log.js";

const ofKv = { plugin: "kv", instanceId: "kv.1" } as const;
const failed: HostEvent = {
  ...ofKv,
  type: "instance.failed",
  failure: createFailure("START_FAILED", "no disk\nat all"),
};

describe("what is shown", () => {
  it("bears the plugin's name on each line", () => {
    const shown: string[] = [];
    const show = showOn({ write: (text) => void shown.push(text) });
    show({ ...ofKv, type: "instance.output", stream: "stdout", line: "listening\u001b[2J" });
    show({ type: "plugin.log", plugin: "kv", level: "warn", message: "slow", fields: { ms: "12" } });
    show({
      type: "plugin.log",
      plugin: "kv",
      level: "error",
      message: "no",
      fields: { stack: "E: no\n    at\u001b[2J" },
    });
    show({ ...ofKv, type: "instance.state", from: "ready", to: "draining", reason: "x" });
    show(failed);
    show({ type: "host.stopped", leaked: [] });
    show({ type: "host.stopped", leaked: ["kv: it blocks"] });
    expect(shown.join("")).toBe(
      "kv | listening\\x1b[2J\n" +
        'kv | warn: slow ms="12"\n' +
        "kv | error: no\n" +
        "kv |   E: no\n" +
        "kv |       at\\x1b[2J\n" +
        "kv | failed: no disk\n" +
        "kv | at all\n" +
        "host | failed: the host has stopped but left behind: kv: it blocks\n",
    );
  });
});

describe("a logger", () => {
  it("gets fields and a message, by level", () => {
    const lines: unknown[] = [];
    const take = (level: string) => (fields: object, message: string) =>
      void lines.push([level, fields, message]);
    const log = logTo({ debug: take("debug"), info: take("info"), warn: take("warn"), error: take("error") });
    log({ type: "host.ready" });
    log({ ...ofKv, type: "instance.ready", startedInMs: 12.34 });
    log(failed);
    expect(lines).toEqual([
      ["info", { event: "host.ready" }, "the host is ready"],
      [
        "info",
        { event: "instance.ready", plugin: "kv", instanceId: "kv.1", startedInMs: "12.3" },
        "ready after 12 ms",
      ],
      [
        "error",
        { event: "instance.failed", plugin: "kv", instanceId: "kv.1", reason: "START_FAILED" },
        "no disk\nat all",
      ],
    ]);
  });
});
