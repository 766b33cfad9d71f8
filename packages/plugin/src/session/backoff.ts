/** How long to wait before trying again: twice as long each time, and never quite the same. */
export interface Backoff {
  /** In ms. */
  next(): number;
  /** It worked: begin anew. */
  reset(): void;
}

/** @param random in [0, 1); for tests */
export function createBackoff(firstMs: number, maxMs: number, random: () => number = Math.random): Backoff {
  let delay = firstMs;
  return {
    next() {
      const now = delay * (0.5 + random() / 2);
      delay = Math.min(delay * 2, maxMs);
      return now;
    },
    reset() {
      delay = firstMs;
    },
  };
}
