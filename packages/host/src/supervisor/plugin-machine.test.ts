import { createFailure } from "@connect-plugin/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Phase } from "./deadlines.js";
import { createModel, type Model, manifest, poor, upTo, well } from "./fixtures/plugin-model.js";
import { instanceTransitions } from "./instance-state.js";
import { liveInstance, type PluginFact, type PluginState } from "./plugin-state.js";
import { pluginStatus } from "./plugin-status.js";

const failure = createFailure("START_FAILED", "no disk");

const path = (model: Model) => model.moves.map((move) => move.to);

describe("a plugin's life", () => {
  it("goes up, serves, and comes down when asked", () => {
    const model = upTo("ready");
    expect(pluginStatus(model.state)).toBe("running");
    model.tell({ type: "stop", reason: "enough" });
    expect(model.log.slice(-3)).toEqual(["unregister", "drain", "arm drain"]);
    model.tell({ type: "drained", instanceId: model.id() });
    expect(model.log.slice(-2)).toEqual(["shut-down", "arm stop"]);
    model.exited();
    expect(path(model)).toEqual([
      "handshaking",
      "waiting",
      "starting",
      "ready",
      "draining",
      "stopping",
      "gone",
    ]);
    expect(pluginStatus(model.state)).toBe("stopped");
    expect(model.instance.state).toMatchObject({
      name: "gone",
      outcome: { kind: "stopped", reason: "enough" },
      leaked: false,
    });
    expect(model.instance.reason).toBe("enough; it ended with code 0: stopped as asked");
  });

  it("keeps the reason of every transition", () => {
    const model = upTo("ready");
    model.tell({ type: "health", instanceId: model.id(), health: poor });
    model.tell({ type: "health", instanceId: model.id(), health: well });
    expect(model.instance.history.map(({ from, to, reason }) => [from, to, reason])).toEqual([
      ["launching", "handshaking", "its file is loaded"],
      ["handshaking", "waiting", "its handshake was accepted"],
      ["waiting", "starting", "all it requires is there"],
      ["starting", "ready", "it started"],
      ["ready", "degraded", "disk is slow"],
      ["degraded", "ready", "it says that it is well again"],
    ]);
  });

  it("bounds what it remembers of an instance that flaps", () => {
    const model = upTo("ready");
    for (let i = 0; i < 100; i++) {
      model.tell({ type: "health", instanceId: model.id(), health: i % 2 === 0 ? poor : well });
    }
    expect(model.instance.history).toHaveLength(32);
  });

  it("says how an instance ended that nobody asked to", () => {
    const model = upTo("ready");
    model.exited(3);
    expect(pluginStatus(model.state)).toBe("failed");
    const { state } = model.instance;
    expect(state.name === "gone" && state.outcome.kind === "failed" && state.outcome.failure).toMatchObject({
      code: 14,
      message:
        'plugin "kv" ended with code 3 while it was running; see its last output for why, and start it again with restart',
      info: { reason: "PROVIDER_GONE", fault: "plugin", facts: { plugin: "kv", exitCode: "3" } },
    });
  });

  it("takes the exit's word, not the broken connection's, for why", () => {
    const model = upTo("starting");
    model.tell({
      type: "connection-ended",
      instanceId: model.id(),
      failure: createFailure("CONNECTION_LOST", "the pipe ended"),
    });
    expect(model.instance.state).toMatchObject({ name: "stopping", step: "terminated" });
    model.exited(1);
    const { state } = model.instance;
    expect(state.name === "gone" && state.outcome.kind === "failed" && state.outcome.failure).toMatchObject({
      message:
        'plugin "kv" ended with code 1 before it was ready; see its last output for why: a plugin\'s file must not call process.exit',
      info: { reason: "EXITED_EARLY" },
    });
  });

  it("stays beside a launcher that knows more than the exit does", () => {
    const model = upTo("ready");
    const trouble = createFailure("LANE_PROTOCOL", "garbage in the pipe");
    model.tell({
      type: "exited",
      instanceId: model.id(),
      exit: { kind: "process", code: null, signal: "SIGKILL" },
      trouble,
    });
    expect(model.instance.state).toMatchObject({ outcome: { failure: trouble } });
  });

  it.each([
    [
      "launching",
      "launch",
      "LAUNCH_TIMEOUT",
      'plugin "kv" was not loaded within 10 ms; look for work at the top level of its file, or raise deadlines.launchMs',
    ],
    [
      "handshaking",
      "handshake",
      "LAUNCH_TIMEOUT",
      'plugin "kv" was loaded but did not shake hands within 10 ms; look for code at the top level of its file that blocks its event loop, or raise deadlines.handshakeMs',
    ],
    [
      "starting",
      "start",
      "START_TIMEOUT",
      'start() of plugin "kv" was not done within 10 ms; look for what it waits for, or raise deadlines.startMs',
    ],
  ] as const)("gives up an instance that is %s for too long", (state, phase, reason, message) => {
    const model = upTo(state);
    expect(model.timers.get(model.id())).toBe(phase);
    model.fire();
    expect(pluginStatus(model.state)).toBe("failed");
    while (liveInstance(model.state) !== undefined) model.fire();
    expect(model.instance.state).toMatchObject({
      name: "gone",
      outcome: { kind: "failed", failure: { message, info: { reason } } },
      leaked: true,
    });
  });

  it("ends by force, step by step, what does not end", () => {
    const model = upTo("ready");
    model.tell({ type: "stop", reason: "enough" });
    const from = model.log.length;
    model.fire();
    model.fire();
    model.fire();
    model.fire();
    expect(model.log.slice(from)).toEqual([
      "shut-down",
      "arm stop",
      "terminate",
      "arm terminate",
      "kill",
      "arm kill",
      "disarm",
      "release",
    ]);
    expect(model.instance.reason).toBe("enough; its carrier would not end and was left behind");
  });

  it("does not launch beside a leaked instance of a plugin that allows one at a time", () => {
    const model = createModel({ ...manifest, instances: "one" });
    model.tell({ type: "start" });
    model.loaded();
    model.accepted();
    model.met();
    model.started();
    model.tell({ type: "restart", reason: "asked" });
    while (liveInstance(model.state) !== undefined) model.fire();
    expect(model.launched).toHaveLength(1);
    expect(pluginStatus(model.state)).toBe("failed");
    expect(model.instance.state).toMatchObject({
      outcome: {
        failure: {
          message:
            'plugin "kv" would not end and allows one instance at a time, so it was not launched again; end the host to get rid of what is left of it',
          info: { reason: "STOP_TIMEOUT" },
        },
      },
    });
  });
});

describe("any order of events", () => {
  const phases: readonly Phase[] = ["launch", "handshake", "start", "drain", "stop", "terminate", "kill"];
  const kinds = [
    "start",
    "restart",
    "stop",
    "hurry",
    "launched",
    "launch-failed",
    "handshake-accepted",
    "handshake-refused",
    "needs-met",
    "needs-hopeless",
    "started",
    "start-failed",
    "health",
    "connection-ended",
    "drained",
    "shutdown-unheard",
    "deadline",
    "armed-deadline",
    "exited",
  ] as const;
  const event = fc.record({
    kind: fc.constantFrom(...kinds),
    stale: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    health: fc.constantFrom(well, poor, { ...poor, state: "unhealthy" as const }),
    phase: fc.constantFrom(...phases),
    leaked: fc.boolean(),
  });
  const lead = fc.constantFrom(
    "nothing" as const,
    "launching" as const,
    "handshaking" as const,
    "waiting" as const,
    "starting" as const,
    "ready" as const,
    "degraded" as const,
  );
  type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

  function factOf({ kind, health, phase, leaked }: Event, instanceId: string, armed: Phase): PluginFact {
    switch (kind) {
      case "start":
      case "hurry":
        return { type: kind };
      case "restart":
      case "stop":
        return { type: kind, reason: kind };
      case "launched":
        return { type: kind, instanceId, manifest, pid: undefined };
      case "handshake-accepted":
        return { type: kind, instanceId, runtimeId: "kv-00000000" };
      case "launch-failed":
      case "handshake-refused":
      case "needs-hopeless":
      case "start-failed":
      case "connection-ended":
        return { type: kind, instanceId, failure };
      case "needs-met":
      case "drained":
      case "shutdown-unheard":
        return { type: kind, instanceId };
      case "started":
      case "health":
        return { type: kind, instanceId, health };
      case "deadline":
        return { type: "deadline", instanceId, phase, afterMs: 1 };
      case "armed-deadline":
        return { type: "deadline", instanceId, phase: armed, afterMs: 1 };
      case "exited":
        return { type: kind, instanceId, exit: { kind: "worker", code: 1, leaked }, trouble: undefined };
    }
  }

  it("keeps to the table, leaves nothing of what is gone, and can always be stopped", () => {
    const reached = new Set<string>();
    fc.assert(
      fc.property(lead, fc.array(event, { maxLength: 60 }), (state, events) => {
        const model = state === "nothing" ? createModel() : upTo(state);
        for (const one of events) {
          const present = model.state.instance?.id ?? "none";
          const before: PluginState = model.state;
          const id = one.stale ? "kv.0" : present;
          const fact = factOf(one, id, model.timers.get(present) ?? "kill");
          model.tell(fact);
          if (one.stale && "instanceId" in fact) expect(model.state).toBe(before);
        }
        for (const { from, to } of model.moves) {
          reached.add(`${from} ${to}`);
          expect(instanceTransitions[from] as readonly string[]).toContain(to);
        }
        model.tell({ type: "stop", reason: "the end" });
        for (let fired = 0; liveInstance(model.state) !== undefined; fired++) {
          expect(fired).toBeLessThan(5);
          model.fire();
        }
        expect(model.timers.size).toBe(0);
        expect(pluginStatus(model.state)).toBe("stopped");
      }),
      { numRuns: 2_000 },
    );
    // The table holds nothing that cannot happen.
    const all = Object.entries(instanceTransitions).flatMap(([from, tos]) =>
      tos.map((to) => `${from} ${to}`),
    );
    expect([...reached].sort()).toEqual(all.sort());
  });
});
