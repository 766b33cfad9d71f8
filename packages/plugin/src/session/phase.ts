import type { CallFailure } from "@connect-plugin/protocol";

/** Where a session stands. Each state carries what only it has. */
export type Phase =
  | { readonly name: "handshaking" }
  /** Known to the host, and waiting for its word to start. */
  | { readonly name: "waiting" }
  | { readonly name: "starting" }
  | { readonly name: "serving"; readonly stop: (() => unknown) | undefined }
  /** Nothing of the plugin runs; the host has been told why, and will end the session. */
  | { readonly name: "failed"; readonly failure: CallFailure }
  | { readonly name: "ending"; readonly reason: string }
  | { readonly name: "stopped" };

export type PhaseName = Phase["name"];

const next: { readonly [From in PhaseName]: readonly PhaseName[] } = {
  handshaking: ["waiting", "ending"],
  waiting: ["starting", "ending"],
  starting: ["serving", "failed", "ending"],
  serving: ["ending"],
  failed: ["ending"],
  ending: ["stopped"],
  stopped: [],
};

/** The phase of one session, which moves along {@link next} only. */
export interface PhaseTracker {
  readonly now: Phase;
  /** Moves on if the table allows it from where the session stands; says whether it did. */
  enter(phase: Phase): boolean;
}

export function createPhaseTracker(): PhaseTracker {
  let now: Phase = { name: "handshaking" };
  return {
    get now() {
      return now;
    },
    enter(phase) {
      if (!next[now.name].includes(phase.name)) return false;
      now = phase;
      return true;
    },
  };
}
