import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FlowWindow } from "./flow-window.js";

describe("a window", () => {
  it("takes what is allowed, and nothing beyond", () => {
    const window = new FlowWindow(1_000, 8_000, { left: 0 });
    expect(window.receive(600)).toBe(true);
    expect(window.receive(401)).toBe(false);
    expect(window.allowed).toBe(400);
    expect(window.receive(400)).toBe(true);
    expect(window.receive(1)).toBe(false);
  });

  it("gives credit back at half of it", () => {
    const window = new FlowWindow(1_000, 1_000, { left: 10_000 });
    window.receive(900);
    expect([window.take(499), window.take(1), window.take(400)]).toEqual([0, 500, 0]);
    expect(window.allowed).toBe(600);
  });

  it("grows for a reader that keeps up, as far as it may and the pool allows", () => {
    const pool = { left: 5_000 };
    const window = new FlowWindow(1_000, 5_000, pool);
    const credits = Array.from({ length: 4 }, () => {
      const { allowed } = window;
      window.receive(allowed);
      return window.take(allowed);
    });
    expect(credits).toEqual([2_000, 4_000, 5_000, 5_000]);
    expect(pool.left).toBe(1_000);
    const other = new FlowWindow(1_000, 5_000, pool);
    other.receive(1_000);
    expect(other.take(1_000)).toBe(2_000);
    expect(pool.left).toBe(0);
    window.close();
    other.close();
    other.close();
    expect(pool.left).toBe(5_000);
  });

  it("does not grow for a reader that lags", () => {
    const pool = { left: 5_000 };
    const window = new FlowWindow(1_000, 5_000, pool);
    for (let i = 0; i < 10; i++) {
      window.receive(window.allowed);
      expect(window.take(500)).toBe(500);
    }
    expect(pool.left).toBe(5_000);
  });

  it("never allows more than it is wide, whatever the reader says it took", () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(4_000)), { maxLength: 60 });
    fc.assert(
      fc.property(steps, fc.nat(6_000), (moves, left) => {
        const pool = { left };
        const window = new FlowWindow(1_000, 5_000, pool);
        let allowed = 1_000;
        let unread = 0;
        for (const [isReceived, size] of moves) {
          if (isReceived) {
            const fits = size <= allowed;
            expect(window.receive(size)).toBe(fits);
            if (!fits) continue;
            allowed -= size;
            unread += size;
          } else {
            allowed += window.take(size);
            unread = Math.max(0, unread - size);
          }
          expect(window.allowed).toBe(allowed);
          expect(allowed + unread).toBeLessThanOrEqual(1_000 + left - pool.left);
          expect(left - pool.left).toBeLessThanOrEqual(4_000);
        }
        window.close();
        expect(pool.left).toBe(left);
      }),
    );
  });
});
