import type { Clock } from "../supervisor/clock.js";

/** A clock that stands still until it is told to go on. */
export interface FakeClock extends Clock {
  /** Lets so much time pass: what is due happens, in order. */
  advance(ms: number): void;
  /** Timers that have neither come nor been called off. */
  readonly timers: number;
}

export function createFakeClock(): FakeClock {
  let now = 1_000;
  const timers = new Set<{ readonly due: number; readonly task: () => void }>();
  return {
    now: () => now,
    after(ms, task) {
      const timer = { due: now + ms, task };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    advance(ms) {
      const end = now + ms;
      for (;;) {
        const due = [...timers].filter((timer) => timer.due <= end).sort((a, b) => a.due - b.due)[0];
        if (due === undefined) break;
        timers.delete(due);
        now = due.due;
        due.task();
      }
      now = end;
    },
    get timers() {
      return timers.size;
    },
  };
}
