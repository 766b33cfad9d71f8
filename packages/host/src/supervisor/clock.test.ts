import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { systemClock } from "./clock.js";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the system's clock", () => {
  it.each([1, 5_000, 2_147_483_647, 2_147_483_648, 2 ** 33])(
    "runs a task after %d ms and not before",
    (ms) => {
      const task = vi.fn();
      systemClock.after(ms, task);
      vi.advanceTimersByTime(ms - 1);
      expect(task).not.toHaveBeenCalled();
      vi.advanceTimersByTime(2);
      expect(task).toHaveBeenCalledTimes(1);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it("never runs a task that is for the end of time, and can call it off", () => {
    const task = vi.fn();
    const callOff = systemClock.after(Number.POSITIVE_INFINITY, task);
    vi.advanceTimersByTime(2 ** 33);
    expect(task).not.toHaveBeenCalled();
    callOff();
    expect(vi.getTimerCount()).toBe(0);
  });
});
