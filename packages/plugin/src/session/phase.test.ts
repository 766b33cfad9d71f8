import { createFailure } from "@connect-plugin/protocol";
import { expect, test } from "vitest";
import { createPhaseTracker, type Phase } from "./phase.js";

const phases: readonly Phase[] = [
  { name: "handshaking" },
  { name: "waiting" },
  { name: "starting" },
  { name: "serving", stop: undefined },
  { name: "failed", failure: createFailure("START_FAILED", "no") },
  { name: "ending", reason: "done" },
  { name: "stopped" },
];

/** The shortest way to a phase. */
const ways: Readonly<Record<Phase["name"], readonly Phase["name"][]>> = {
  handshaking: [],
  waiting: ["waiting"],
  starting: ["waiting", "starting"],
  serving: ["waiting", "starting", "serving"],
  failed: ["waiting", "starting", "failed"],
  ending: ["ending"],
  stopped: ["ending", "stopped"],
};

const allowed = new Set([
  "handshaking→waiting",
  "waiting→starting",
  "starting→serving",
  "starting→failed",
  "handshaking→ending",
  "waiting→ending",
  "starting→ending",
  "serving→ending",
  "failed→ending",
  "ending→stopped",
]);

test.each(phases.flatMap((from) => phases.map((to) => [from.name, to.name] as const)))(
  "%s→%s",
  (from, to) => {
    const tracker = createPhaseTracker();
    const phaseOf = (name: Phase["name"]) => phases.find((phase) => phase.name === name) as Phase;
    for (const step of ways[from]) expect(tracker.enter(phaseOf(step))).toBe(true);
    const may = allowed.has(`${from}→${to}`);
    expect(tracker.enter(phaseOf(to))).toBe(may);
    expect(tracker.now.name).toBe(may ? to : from);
  },
);
