import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { addAbortListener, removeAbortListener } from "./abort-listeners.js";

describe("listeners of a signal", () => {
  it("are one for the signal, however many they are, and none when all are taken away", () => {
    const { signal } = new AbortController();
    const listeners = Array.from({ length: 1_000 }, () => () => undefined);
    for (const listener of listeners) addAbortListener(signal, listener);
    expect(getEventListeners(signal, "abort")).toHaveLength(1);
    for (const listener of listeners) removeAbortListener(signal, listener);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    removeAbortListener(signal, () => undefined);
  });

  it("are told in order, except those that were taken away before or meanwhile", () => {
    const controller = new AbortController();
    const { signal } = controller;
    const told: string[] = [];
    const never = () => told.push("never");
    const late = () => told.push("late");
    addAbortListener(signal, () => told.push("first"));
    addAbortListener(signal, never);
    addAbortListener(signal, () => removeAbortListener(signal, late));
    addAbortListener(signal, late);
    addAbortListener(signal, () => told.push("last"));
    removeAbortListener(signal, never);
    controller.abort();
    expect(told).toEqual(["first", "last"]);
  });
});
