import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import type { HealthReport, InstanceExit } from "../event.js";
import type { Phase } from "./deadlines.js";
import { failureOfExit } from "./exit-failure.js";
import { advanceStop, beginEnd, gone, hurry, launch, outcomeOf, shutDown } from "./instance-end.js";
import { type InstanceState, isServing, type Outcome } from "./instance-state.js";
import {
  arm,
  type Instance,
  type InstanceFact,
  liveInstance,
  move,
  type PluginFact,
  type PluginState,
  type Step,
  type Turn,
  unchanged,
  withInstance,
} from "./plugin-state.js";

/**
 * The life of one plugin as a function: a state and a fact give the next state and what is to be done. It knows no
 * clock, no process and no promise, so every order of events can be tried.
 */
export function step(turn: Turn, state: PluginState, fact: PluginFact): Step {
  const live = liveInstance(state);
  switch (fact.type) {
    case "start": {
      const wanted: PluginState = { ...state, want: "running" };
      if (live === undefined) return launch(turn, wanted, "it is wanted");
      return unchanged(isEnding(live) ? { ...wanted, next: "launch" } : wanted);
    }
    case "restart": {
      const wanted: PluginState = { ...state, want: "running" };
      if (live === undefined) return launch(turn, wanted, fact.reason);
      return beginEnd(turn, { ...wanted, next: "launch" }, live, { kind: "asked", reason: fact.reason });
    }
    case "stop": {
      const wanted: PluginState = { ...state, want: "stopped", next: "rest" };
      if (live === undefined) return unchanged(wanted);
      return beginEnd(turn, wanted, live, { kind: "asked", reason: fact.reason });
    }
    case "hurry":
      return live === undefined ? unchanged(state) : hurry(turn, state, live);
    default:
      if (live === undefined || live.id !== fact.instanceId) return unchanged(state);
      return stepInstance(turn, state, live, fact);
  }
}

function stepInstance(turn: Turn, state: PluginState, live: Instance, fact: InstanceFact): Step {
  const current = live.state;
  switch (fact.type) {
    case "launched": {
      const known: PluginState = { ...state, manifest: fact.manifest };
      const carried: Instance = { ...live, pid: fact.pid };
      if (current.name === "launching") {
        const moved = move(turn, known, carried, { name: "handshaking" }, "its file is loaded");
        return { state: moved, effects: [arm("handshake")] };
      }
      // It came although it had been given up.
      if (current.name === "stopping" && current.step === "abandoned") {
        return advanceStop(known, carried, current, "terminated");
      }
      return unchanged(state);
    }
    case "launch-failed":
      if (current.name === "launching") {
        const outcome: Outcome = { kind: "failed", failure: fact.failure };
        return gone(turn, state, live, { outcome, exit: undefined, leaked: false });
      }
      if (current.name === "stopping" && current.step === "abandoned") {
        return gone(turn, state, live, {
          outcome: outcomeOf(current.ending),
          exit: undefined,
          leaked: false,
        });
      }
      return unchanged(state);
    case "handshake-accepted": {
      if (current.name !== "handshaking") return unchanged(state);
      const known: Instance = { ...live, runtimeId: fact.runtimeId };
      const moved = move(turn, state, known, { name: "waiting" }, "its handshake was accepted");
      return { state: moved, effects: [{ type: "disarm" }] };
    }
    case "handshake-refused":
      if (current.name !== "handshaking") return unchanged(state);
      return beginEnd(turn, state, live, { kind: "failed", failure: fact.failure });
    case "needs-met": {
      if (current.name !== "waiting") return unchanged(state);
      const moved = move(turn, state, live, { name: "starting" }, "all it requires is there");
      return { state: moved, effects: [{ type: "start" }, arm("start")] };
    }
    case "needs-hopeless":
      if (current.name !== "waiting") return unchanged(state);
      return beginEnd(turn, state, live, { kind: "failed", failure: fact.failure });
    case "started": {
      if (current.name !== "starting") return unchanged(state);
      const { health } = fact;
      const ready: Instance = { ...live, readyAt: turn.at };
      const moved = move(turn, state, ready, servingState(health), healthReason(health, "it started"));
      return { state: moved, effects: [{ type: "disarm" }, { type: "register", health }] };
    }
    case "start-failed":
      if (current.name !== "starting") return unchanged(state);
      return beginEnd(turn, state, live, { kind: "failed", failure: fact.failure });
    case "health":
      return isServing(current) ? changeHealth(turn, state, live, fact.health) : unchanged(state);
    case "connection-ended":
      return beginEnd(turn, state, live, { kind: "lost", failure: fact.failure });
    case "drained":
      if (current.name !== "draining") return unchanged(state);
      return shutDown(turn, state, live, current.ending, "it has no calls left");
    case "shutdown-unheard":
      if (current.name !== "stopping" || current.step !== "asked") return unchanged(state);
      return advanceStop(state, live, current, "terminated");
    case "deadline":
      return pastDeadline(turn, state, live, fact);
    case "exited": {
      const { exit } = fact;
      const leaked = exit.kind === "worker" && exit.leaked;
      const outcome = outcomeOfExit(state.name, live, exit, fact.trouble);
      return gone(turn, state, live, { outcome, exit, leaked });
    }
  }
}

function changeHealth(turn: Turn, state: PluginState, live: Instance, health: HealthReport): Step {
  const next = servingState(health);
  const reason = healthReason(health, "it says that it is well again");
  const changed =
    next.name === live.state.name
      ? withInstance(state, { ...live, state: next, reason })
      : move(turn, state, live, next, reason);
  return { state: changed, effects: [{ type: "health", health }] };
}

function pastDeadline(
  turn: Turn,
  state: PluginState,
  live: Instance,
  { phase, afterMs }: { readonly phase: Phase; readonly afterMs: number },
): Step {
  const current = live.state;
  switch (current.name) {
    case "launching":
    case "handshaking":
    case "starting": {
      const expected = current.name === "starting" ? "start" : launchPhases[current.name];
      if (phase !== expected) return unchanged(state);
      return beginEnd(turn, state, live, { kind: "failed", failure: tooSlow(state.name, phase, afterMs) });
    }
    case "draining":
      if (phase !== "drain") return unchanged(state);
      return shutDown(turn, state, live, current.ending, `it still had calls after ${afterMs} ms`);
    case "stopping":
      if (current.step === "asked" && phase === "stop") {
        return advanceStop(state, live, current, "terminated");
      }
      if (current.step === "terminated" && phase === "terminate") {
        return advanceStop(state, live, current, "killed");
      }
      // The carrier, or a launcher that neither gives up nor comes to an end, is left to itself.
      if (
        (current.step === "killed" && phase === "kill") ||
        (current.step === "abandoned" && phase === "terminate")
      ) {
        return gone(turn, state, live, {
          outcome: outcomeOf(current.ending),
          exit: undefined,
          leaked: true,
        });
      }
      return unchanged(state);
    case "waiting":
    case "ready":
    case "degraded":
    case "gone":
      return unchanged(state);
  }
}

const launchPhases = { launching: "launch", handshaking: "handshake" } as const;

function outcomeOfExit(
  plugin: string,
  live: Instance,
  exit: InstanceExit,
  trouble: CallFailure | undefined,
): Outcome {
  const current = live.state;
  const known = current.name === "draining" || current.name === "stopping" ? current.ending : undefined;
  if (known !== undefined && known.kind !== "lost") return outcomeOf(known);
  return { kind: "failed", failure: trouble ?? failureOfExit(plugin, live, exit) };
}

function tooSlow(plugin: string, phase: "launch" | "handshake" | "start", afterMs: number): CallFailure {
  const facts = { plugin, phase, limitMs: String(afterMs) };
  switch (phase) {
    case "launch":
      return createFailure(
        "LAUNCH_TIMEOUT",
        `plugin "${plugin}" was not loaded within ${afterMs} ms; ` +
          "look for work at the top level of its file, or raise deadlines.launchMs",
        { facts },
      );
    case "handshake":
      return createFailure(
        "LAUNCH_TIMEOUT",
        `plugin "${plugin}" was loaded but did not shake hands within ${afterMs} ms; ` +
          "look for code at the top level of its file that blocks its event loop, or raise deadlines.handshakeMs",
        { facts },
      );
    case "start":
      return createFailure(
        "START_TIMEOUT",
        `start() of plugin "${plugin}" was not done within ${afterMs} ms; ` +
          "look for what it waits for, or raise deadlines.startMs",
        { facts },
      );
  }
}

function servingState(report: HealthReport): InstanceState & { name: "ready" | "degraded" } {
  return report.state === "healthy" ? { name: "ready" } : { name: "degraded", health: report };
}

function healthReason(report: HealthReport, otherwise: string): string {
  if (report.reason !== "") return report.reason;
  if (report.state === "healthy") return otherwise;
  const missing = report.unavailableDependencies;
  return missing.length === 0 ? `it says that it is ${report.state}` : `it misses ${missing.join(", ")}`;
}

function isEnding(live: Instance): boolean {
  return live.state.name === "draining" || live.state.name === "stopping";
}
