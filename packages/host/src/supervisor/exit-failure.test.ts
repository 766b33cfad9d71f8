import { describe, expect, it } from "vitest";
import { failureOfExit } from "./exit-failure.js";

const starting = { id: "kv.1", state: { name: "starting" }, readyAt: undefined } as const;

describe("the failure of a plugin that ended by itself", () => {
  it("does not say that it was asked to, where it ended with code 0", () => {
    expect(failureOfExit("kv", starting, { kind: "process", code: 0, signal: null })).toMatchObject({
      code: 14,
      message:
        'plugin "kv" ended with code 0, although nobody had asked it to, before it was ready; ' +
        "see its last output for why: a plugin's file must not call process.exit",
      info: { reason: "EXITED_EARLY", fault: "plugin", facts: { exitCode: "0" } },
    });
  });

  it("says the code or the signal, and whether it had been running", () => {
    const running = { ...starting, readyAt: 5 };
    const failure = failureOfExit("kv", running, { kind: "process", code: null, signal: "SIGKILL" });
    expect(failure.message).toMatch(/^plugin "kv" .*SIGKILL while it was running; /);
    expect(failure.info).toMatchObject({ reason: "PROVIDER_GONE", facts: { signal: "SIGKILL" } });
  });
});
