import type { CallFailure } from "@connect-plugin/protocol";
import type { HealthReport, InstanceExit } from "../event.js";

/** Why an instance comes to its end. */
export type Ending =
  /** Somebody wanted it: a stop, a restart, the end of the host. */
  | { readonly kind: "asked"; readonly reason: string }
  /** It did something that it may not survive: a refused handshake, a failed start, a deadline. */
  | { readonly kind: "failed"; readonly failure: CallFailure }
  /** Its connection broke; its exit, which follows, says more about why. */
  | { readonly kind: "lost"; readonly failure: CallFailure };

/** How far the stop of an instance has gone. */
export type StopStep =
  /** Its launch is being given up; there is nothing yet that could be asked. */
  | "abandoned"
  /** It was asked to end. */
  | "asked"
  /** Its carrier was told to end (SIGTERM). */
  | "terminated"
  /** Its carrier was ended (SIGKILL). */
  | "killed";

/** How it was, in the end. */
export type Outcome =
  | { readonly kind: "stopped"; readonly reason: string }
  | { readonly kind: "failed"; readonly failure: CallFailure };

/** Where one run of a plugin stands: each state holds what only it has. */
export type InstanceState =
  /** The carrier is being started and the plugin's file loaded. */
  | { readonly name: "launching" }
  /** The plugin is loaded and has to prove who it is. */
  | { readonly name: "handshaking" }
  /** It has an identity; something that it requires is not there yet. */
  | { readonly name: "waiting" }
  /** It was told to start. */
  | { readonly name: "starting" }
  /** It takes calls. */
  | { readonly name: "ready" }
  /** It takes calls (or, when `unhealthy`, gets none) but says that it is not as it should be. */
  | { readonly name: "degraded"; readonly health: HealthReport }
  /** It gets no further calls and finishes those it has. */
  | { readonly name: "draining"; readonly ending: Ending }
  | { readonly name: "stopping"; readonly ending: Ending; readonly step: StopStep }
  /** Nothing of it is left; `leaked` if its carrier would not end. */
  | {
      readonly name: "gone";
      readonly outcome: Outcome;
      readonly exit: InstanceExit | undefined;
      readonly leaked: boolean;
    };

export type InstanceStateName = InstanceState["name"];

/** Every move that an instance can make. What is not here does not happen. */
export const instanceTransitions = {
  launching: ["handshaking", "stopping", "gone"],
  handshaking: ["waiting", "stopping", "gone"],
  waiting: ["starting", "stopping", "gone"],
  starting: ["ready", "degraded", "stopping", "gone"],
  ready: ["degraded", "draining", "stopping", "gone"],
  degraded: ["ready", "draining", "stopping", "gone"],
  draining: ["stopping", "gone"],
  stopping: ["gone"],
  gone: [],
} as const satisfies Record<InstanceStateName, readonly InstanceStateName[]>;

/** Whether an instance in one state may go to the other. */
export function mayMove(from: InstanceStateName, to: InstanceStateName): boolean {
  const allowed: readonly InstanceStateName[] = instanceTransitions[from];
  return allowed.includes(to);
}

/** Whether an instance in this state provides what its manifest says. */
export function isServing(state: InstanceState): state is InstanceState & { name: "ready" | "degraded" } {
  return state.name === "ready" || state.name === "degraded";
}

/** Whether an instance in this state is on its way up: it may yet become ready. */
export function isComing(state: InstanceState): boolean {
  switch (state.name) {
    case "launching":
    case "handshaking":
    case "waiting":
    case "starting":
      return true;
    case "ready":
    case "degraded":
    case "draining":
    case "stopping":
    case "gone":
      return false;
  }
}

/** The table as a Mermaid state diagram, for docs/reference/instance-states.md. */
export function drawInstanceStates(): string {
  const lines = ["stateDiagram-v2", "  [*] --> launching"];
  for (const [from, targets] of Object.entries(instanceTransitions)) {
    for (const to of targets) lines.push(`  ${from} --> ${to}`);
  }
  lines.push("  gone --> [*]");
  return lines.join("\n");
}
