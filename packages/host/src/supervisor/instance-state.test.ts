import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  drawInstanceStates,
  type InstanceState,
  instanceTransitions,
  isComing,
  isServing,
  mayMove,
} from "./instance-state.js";

const names = Object.keys(instanceTransitions) as (keyof typeof instanceTransitions)[];

describe("the table of instance states", () => {
  it("leads from every state to gone, and from gone nowhere", () => {
    for (const name of names) {
      if (name === "gone") continue;
      expect(mayMove(name, "gone"), name).toBe(true);
      expect(mayMove("gone", name), name).toBe(false);
    }
  });

  it("never leads back on the way up", () => {
    const up = ["launching", "handshaking", "waiting", "starting"] as const;
    for (const [index, from] of up.entries()) {
      for (const earlier of up.slice(0, index + 1)) expect(mayMove(from, earlier)).toBe(false);
    }
  });

  it("reaches every state from launching", () => {
    const reached = new Set<string>(["launching"]);
    for (const from of reached) {
      for (const to of instanceTransitions[from as keyof typeof instanceTransitions]) reached.add(to);
    }
    expect([...reached].sort()).toEqual([...names].sort());
  });

  it("is what the reference shows", () => {
    const page = new URL("../../../../docs/reference/instance-states.md", import.meta.url);
    const drawn = /```mermaid\n([\s\S]*?)\n```/.exec(readFileSync(page, "utf8"))?.[1];
    expect(drawn).toBe(drawInstanceStates());
  });

  it("is explained, state by state, in the reference", () => {
    const page = new URL("../../../../docs/reference/instance-states.md", import.meta.url);
    const text = readFileSync(page, "utf8");
    for (const name of names) expect(text).toContain(`| \`${name}\` |`);
  });
});

describe("what a state means", () => {
  it("serves or comes, never both", () => {
    const health = { state: "degraded", reason: "", unavailableDependencies: [] } as const;
    const ending = { kind: "asked", reason: "" } as const;
    const outcome = { kind: "stopped", reason: "" } as const;
    const all: readonly InstanceState[] = [
      { name: "launching" },
      { name: "handshaking" },
      { name: "waiting" },
      { name: "starting" },
      { name: "ready" },
      { name: "degraded", health },
      { name: "draining", ending },
      { name: "stopping", ending, step: "asked" },
      { name: "gone", outcome, exit: undefined, leaked: false },
    ];
    expect(all.map((state) => state.name)).toEqual(names);
    expect(all.filter(isServing).map((state) => state.name)).toEqual(["ready", "degraded"]);
    expect(all.filter(isComing).map((state) => state.name)).toEqual([
      "launching",
      "handshaking",
      "waiting",
      "starting",
    ]);
  });
});
