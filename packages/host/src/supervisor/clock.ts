/** Time, as an argument: tests bring their own. */
export interface Clock {
  /** In ms; never goes back. */
  now(): number;
  /** Runs a task once, so many ms from now. Returns what calls it off. */
  after(ms: number, task: () => void): () => void;
}

/** What is longer, Node's timers take for 1 ms. */
const LONGEST_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => performance.now(),
  after(ms, task) {
    const due = performance.now() + ms;
    const goOn = () => {
      timer = start(due - performance.now());
    };
    const start = (left: number) =>
      left > LONGEST_MS ? setTimeout(goOn, LONGEST_MS) : setTimeout(task, left);
    let timer = start(ms);
    return () => clearTimeout(timer);
  },
};
