import type { CallFailure, Manifest } from "@connect-plugin/protocol";
import type { HealthReport, InstanceExit } from "../event.js";
import type { Phase } from "./deadlines.js";
import { type InstanceState, type InstanceStateName, mayMove, type Outcome } from "./instance-state.js";

/** What is desired of a plugin, and its latest run. */
export interface PluginState {
  readonly name: string;
  /** Counts up when the plugin's spec is changed. */
  readonly generation: number;
  readonly want: "running" | "stopped";
  /** What follows when the present instance is gone. */
  readonly next: "rest" | "launch";
  readonly launches: number;
  /** What the plugin said of itself when it was last seen. */
  readonly manifest: Manifest | undefined;
  /** The present run, or the last one if that is gone. */
  readonly instance: Instance | undefined;
}

/** One run of a plugin. */
export interface Instance {
  readonly id: string;
  readonly state: InstanceState;
  /** Why it is in this state, for people. */
  readonly reason: string;
  /** When it came into this state, on the supervisor's clock. */
  readonly since: number;
  readonly launchedAt: number;
  readonly readyAt: number | undefined;
  readonly pid: number | undefined;
  readonly runtimeId: string | undefined;
  readonly history: readonly Transition[];
}

export interface Transition {
  readonly from: InstanceStateName;
  readonly to: InstanceStateName;
  readonly reason: string;
  readonly at: number;
}

/** Transitions that are kept of an instance; the first ones go first. */
export const HISTORY_LIMIT = 32;

/** What somebody wants of a plugin. */
export type PluginCommand =
  | { readonly type: "start" }
  | { readonly type: "restart"; readonly reason: string }
  | { readonly type: "stop"; readonly reason: string }
  /** Time is up: what is ending ends by force. */
  | { readonly type: "hurry" };

/** What became of an instance. Facts about any other than the present one are stale and change nothing. */
export type InstanceFact = { readonly instanceId: string } & (
  | { readonly type: "launched"; readonly manifest: Manifest; readonly pid: number | undefined }
  | { readonly type: "launch-failed"; readonly failure: CallFailure }
  | { readonly type: "handshake-accepted"; readonly runtimeId: string }
  | { readonly type: "handshake-refused"; readonly failure: CallFailure }
  | { readonly type: "needs-met" }
  | { readonly type: "needs-hopeless"; readonly failure: CallFailure }
  | { readonly type: "started"; readonly health: HealthReport }
  | { readonly type: "start-failed"; readonly failure: CallFailure }
  | { readonly type: "health"; readonly health: HealthReport }
  | { readonly type: "connection-ended"; readonly failure: CallFailure }
  | { readonly type: "drained" }
  | { readonly type: "shutdown-unheard" }
  | { readonly type: "deadline"; readonly phase: Phase; readonly afterMs: number }
  | { readonly type: "exited"; readonly exit: InstanceExit; readonly trouble: CallFailure | undefined }
);

export type PluginFact = PluginCommand | InstanceFact;

/** What is to be done, in this order. `instanceId` is that of the state's instance. */
export type PluginEffect =
  | { readonly type: "launch" }
  | { readonly type: "abandon-launch" }
  | { readonly type: "start" }
  | { readonly type: "register"; readonly health: HealthReport }
  | { readonly type: "health"; readonly health: HealthReport }
  | { readonly type: "unregister"; readonly reason: string }
  | { readonly type: "drain"; readonly reason: string }
  | { readonly type: "shut-down"; readonly reason: string }
  | { readonly type: "terminate" }
  /** By force. Calls in flight are told the outcome: that they broke is not the plugin's doing. */
  | { readonly type: "kill"; readonly outcome: Outcome }
  /** Watches the time of this phase, and of no other any more. */
  | { readonly type: "arm"; readonly phase: Phase }
  | { readonly type: "disarm" }
  /** The instance is gone: nothing of it may be left. */
  | { readonly type: "release"; readonly outcome: Outcome };

export interface Step {
  readonly state: PluginState;
  readonly effects: readonly PluginEffect[];
}

/** What a step may ask of the world, and the moves that it made, in order. */
export interface Turn {
  readonly at: number;
  /** The id of an instance that is launched in this step. */
  newId(): string;
  readonly moves: Move[];
}

export interface Move extends Transition {
  readonly instanceId: string;
}

export function createPluginState(name: string): PluginState {
  return {
    name,
    generation: 1,
    want: "stopped",
    next: "rest",
    launches: 0,
    manifest: undefined,
    instance: undefined,
  };
}

/** The plugin's instance, unless it is gone. */
export function liveInstance(state: PluginState): Instance | undefined {
  return state.instance === undefined || state.instance.state.name === "gone" ? undefined : state.instance;
}

/** Moves the plugin's instance to another state, as far as the table allows it. */
export function move(
  turn: Turn,
  state: PluginState,
  live: Instance,
  to: InstanceState,
  reason: string,
): PluginState {
  const from = live.state.name;
  if (!mayMove(from, to.name)) throw new Error(`an instance may not go from ${from} to ${to.name}`);
  const transition: Transition = { from, to: to.name, reason, at: turn.at };
  turn.moves.push({ instanceId: live.id, ...transition });
  const history = [...live.history, transition].slice(-HISTORY_LIMIT);
  return withInstance(state, { ...live, state: to, reason, since: turn.at, history });
}

export function withInstance(state: PluginState, instance: Instance): PluginState {
  return { ...state, instance };
}

export function unchanged(state: PluginState): Step {
  return { state, effects: [] };
}

export function arm(phase: Phase): PluginEffect {
  return { type: "arm", phase };
}
