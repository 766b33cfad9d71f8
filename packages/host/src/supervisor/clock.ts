/** Time, as an argument: tests bring their own. */
export interface Clock {
  /** In ms; never goes back. */
  now(): number;
  /** Runs a task once, so many ms from now. Returns what calls it off. */
  after(ms: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms);
    return () => clearTimeout(timer);
  },
};
