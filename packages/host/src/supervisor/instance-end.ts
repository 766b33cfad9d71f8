import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import type { InstanceExit } from "../event.js";
import { describeExit } from "./exit-failure.js";
import { type Ending, type InstanceState, isServing, type Outcome } from "./instance-state.js";
import {
  arm,
  type Instance,
  liveInstance,
  move,
  type PluginEffect,
  type PluginState,
  type Step,
  type Turn,
  unchanged,
  withInstance,
} from "./plugin-state.js";

/** How instances come to their end: asked, then told by SIGTERM, then by SIGKILL, then given up. */

export type Stopping = InstanceState & { name: "stopping" };

/** Begins the end of an instance, in the gentlest way that its state and the cause allow. */
export function beginEnd(turn: Turn, state: PluginState, live: Instance, ending: Ending): Step {
  const why = reasonOf(ending);
  switch (live.state.name) {
    case "launching": {
      const moved = move(turn, state, live, { name: "stopping", ending, step: "abandoned" }, why);
      return { state: moved, effects: [{ type: "abandon-launch" }, arm("terminate")] };
    }
    case "handshaking":
      // Without a handshake it has no reason to believe that it is its host who asks.
      return terminate(turn, state, live, ending);
    case "waiting":
    case "starting":
      return ending.kind === "lost"
        ? terminate(turn, state, live, ending)
        : shutDown(turn, state, live, ending, why);
    case "ready":
    case "degraded": {
      const unregister: PluginEffect = { type: "unregister", reason: why };
      if (ending.kind !== "asked") {
        const ended = terminate(turn, state, live, ending);
        return { state: ended.state, effects: [unregister, ...ended.effects] };
      }
      const moved = move(turn, state, live, { name: "draining", ending }, why);
      return { state: moved, effects: [unregister, { type: "drain", reason: ending.reason }, arm("drain")] };
    }
    case "draining":
      return ending.kind === "lost" ? terminate(turn, state, live, live.state.ending) : unchanged(state);
    case "stopping":
    case "gone":
      return unchanged(state);
  }
}

/** Asks it to end. */
export function shutDown(turn: Turn, state: PluginState, live: Instance, ending: Ending, why: string): Step {
  const moved = move(turn, state, live, { name: "stopping", ending, step: "asked" }, why);
  return { state: moved, effects: [{ type: "shut-down", reason: reasonOf(ending) }, arm("stop")] };
}

function terminate(turn: Turn, state: PluginState, live: Instance, ending: Ending): Step {
  const stopping: Stopping = { name: "stopping", ending, step: "terminated" };
  const moved = move(turn, state, live, stopping, reasonOf(ending));
  return { state: moved, effects: [{ type: "terminate" }, arm("terminate")] };
}

/** Takes the stop of an instance one step further. */
export function advanceStop(
  state: PluginState,
  live: Instance,
  current: Stopping,
  next: "terminated" | "killed",
): Step {
  const moved = withInstance(state, { ...live, state: { ...current, step: next } });
  return next === "terminated"
    ? { state: moved, effects: [{ type: "terminate" }, arm("terminate")] }
    : { state: moved, effects: [{ type: "kill", outcome: outcomeOf(current.ending) }, arm("kill")] };
}

/** Time is up: from here on by force. */
export function hurry(turn: Turn, state: PluginState, live: Instance): Step {
  const current = live.state;
  if (current.name === "stopping") {
    return current.step === "asked" ? advanceStop(state, live, current, "terminated") : unchanged(state);
  }
  if (current.name === "draining") return terminate(turn, state, live, current.ending);
  const begun = beginEnd(turn, state, live, { kind: "asked", reason: "the time to stop is up" });
  const ending = liveInstance(begun.state);
  if (ending === undefined || ending.state.name === current.name) return begun;
  const hurried = hurry(turn, begun.state, ending);
  return { state: hurried.state, effects: [...begun.effects, ...hurried.effects] };
}

/** The instance is no more; if something is to follow, it does at once. */
export function gone(
  turn: Turn,
  state: PluginState,
  live: Instance,
  end: { readonly outcome: Outcome; readonly exit: InstanceExit | undefined; readonly leaked: boolean },
): Step {
  // A second one beside what was left behind would share what may not be shared.
  const blocked = end.leaked && state.next === "launch" && state.manifest?.instances === "one";
  const outcome: Outcome = blocked ? { kind: "failed", failure: leftBehind(state.name) } : end.outcome;
  const why = goneReason(outcome, end.exit, end.leaked);
  const moved = move(turn, state, live, { name: "gone", ...end, outcome }, why);
  const effects: PluginEffect[] = [{ type: "disarm" }];
  if (isServing(live.state)) effects.push({ type: "unregister", reason: why });
  effects.push({ type: "release", outcome });
  if (blocked) return { state: { ...moved, next: "rest" }, effects };
  if (state.next === "rest") return { state: moved, effects };
  const again = launch(turn, moved, why);
  return { state: again.state, effects: [...effects, ...again.effects] };
}

export function launch(turn: Turn, state: PluginState, reason: string): Step {
  const instance: Instance = {
    id: turn.newId(),
    state: { name: "launching" },
    reason,
    since: turn.at,
    launchedAt: turn.at,
    readyAt: undefined,
    pid: undefined,
    runtimeId: undefined,
    history: [],
  };
  return {
    state: { ...state, next: "rest", launches: state.launches + 1, instance },
    effects: [{ type: "launch" }, arm("launch")],
  };
}

export function outcomeOf(ending: Ending): Outcome {
  return ending.kind === "asked"
    ? { kind: "stopped", reason: ending.reason }
    : { kind: "failed", failure: ending.failure };
}

function reasonOf(ending: Ending): string {
  return ending.kind === "asked" ? ending.reason : ending.failure.message;
}

function leftBehind(plugin: string): CallFailure {
  return createFailure(
    "STOP_TIMEOUT",
    `plugin "${plugin}" would not end and allows one instance at a time, so it was not launched again; ` +
      "end the host to get rid of what is left of it",
    { facts: { plugin } },
  );
}

function goneReason(outcome: Outcome, exit: InstanceExit | undefined, leaked: boolean): string {
  const why = outcome.kind === "failed" ? outcome.failure.message : outcome.reason;
  if (leaked) return `${why}; its carrier would not end and was left behind`;
  return exit === undefined || outcome.kind === "failed" ? why : `${why}; it ${describeExit(exit)}`;
}
