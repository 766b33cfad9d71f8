import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTimerWheel, NOT_WAITING, type Timed } from "./timer-wheel.js";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function timed(deadline: number, expire: () => void): Timed {
  return { deadline, expire, wheelTick: NOT_WAITING, wheelNext: undefined, wheelPrevious: undefined };
}

test("a deadline is told after it has passed, and at most a tick late", async () => {
  const wheel = createTimerWheel();
  const told: number[] = [];
  const start = performance.now();
  for (const delay of [1, 10, 250, 5_000, 30_000, 3_600_000]) {
    wheel.add(timed(start + delay, () => told.push(performance.now() - start - delay)));
  }
  await vi.advanceTimersByTimeAsync(3_700_000);
  expect(told).toHaveLength(6);
  for (const late of told) {
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThanOrEqual(5);
  }
  expect(wheel.size).toBe(0);
});

test("what is removed is never told", async () => {
  const wheel = createTimerWheel();
  const kept = vi.fn();
  const removed = vi.fn();
  const start = performance.now();
  const entries = [timed(start + 20, removed), timed(start + 20, kept), timed(start + 20, removed)];
  for (const entry of entries) wheel.add(entry);
  wheel.remove(entries[0]!);
  wheel.remove(entries[2]!);
  wheel.remove(entries[2]!);
  expect(wheel.size).toBe(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(removed).not.toHaveBeenCalled();
  expect(kept).toHaveBeenCalledOnce();
});

test("one that expires may remove another that is due, and add a new one", async () => {
  const wheel = createTimerWheel();
  const start = performance.now();
  const second = vi.fn();
  const third = vi.fn();
  const victim = timed(start + 11, second);
  wheel.add(
    timed(start + 10, () => {
      wheel.remove(victim);
      wheel.add(timed(start + 60, third));
    }),
  );
  wheel.add(victim);
  await vi.advanceTimersByTimeAsync(50);
  expect(third).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(50);
  expect(second).not.toHaveBeenCalled();
  expect(third).toHaveBeenCalledOnce();
});

test("equal deadlines are told in the order in which they were added", async () => {
  const wheel = createTimerWheel();
  const deadline = performance.now() + 20;
  const order: number[] = [];
  for (let i = 0; i < 5; i += 1) wheel.add(timed(deadline, () => order.push(i)));
  await vi.advanceTimersByTimeAsync(30);
  expect(order).toEqual([0, 1, 2, 3, 4]);
});

test("no deadline is no entry", () => {
  const wheel = createTimerWheel();
  wheel.add(timed(Infinity, vi.fn()));
  expect(wheel.size).toBe(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("many deadlines need one timer, and an earlier one moves it", async () => {
  const wheel = createTimerWheel();
  const expire = vi.fn();
  const start = performance.now();
  for (let i = 0; i < 1_000; i += 1) wheel.add(timed(start + 30_000 + i, expire));
  wheel.add(timed(start + 5, expire));
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(10);
  expect(expire).toHaveBeenCalledOnce();
  expect(vi.getTimerCount()).toBe(1);
});

test("it works on when the clock is exchanged", async () => {
  const wheel = createTimerWheel();
  const forgotten = timed(performance.now() + 30_000, vi.fn());
  wheel.add(forgotten);
  wheel.remove(forgotten);
  vi.useRealTimers();
  const told = await new Promise<string>((resolve) => {
    wheel.add(timed(performance.now() + 1, () => resolve("told")));
  });
  expect(told).toBe("told");
});

test("every deadline is told once, in time and in order, whatever is added and removed", async () => {
  const step = fc.record({
    wait: fc.integer({ min: 0, max: 6_000 }),
    delay: fc.integer({ min: 0, max: 12_000 }),
    remove: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const wheel = createTimerWheel();
      const expected = new Set<Timed>();
      const wrong: string[] = [];
      for (const { wait, delay, remove } of steps) {
        const entry: Timed = timed(performance.now() + delay, () => {
          if (!expected.delete(entry)) wrong.push("told without being expected");
          const late = performance.now() - entry.deadline;
          if (late < 0 || late > 5) wrong.push(`told ${late} ms late`);
        });
        expected.add(entry);
        wheel.add(entry);
        if (remove) {
          const [first] = expected;
          if (first !== undefined) {
            wheel.remove(first);
            expected.delete(first);
          }
        }
        expect(wheel.size).toBe(expected.size);
        await vi.advanceTimersByTimeAsync(wait);
      }
      await vi.advanceTimersByTimeAsync(15_000);
      expect([...expected]).toEqual([]);
      expect(wrong).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
