/** What the queue tells whoever fills it. Neither may throw. */
export interface QueueOwner {
  /** The consumer has taken, or does not want any more, messages of this cost. */
  taken(cost: number): void;
  /** The consumer left before the end. */
  left(): void;
}

/** `ending`: nothing more comes, but the consumer has not heard of it; it hears what this throws. */
type Phase =
  | { readonly is: "open" | "done" | "left" }
  | { readonly is: "ending"; readonly conclude: () => void };

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

const OPEN: Phase = { is: "open" };
const DONE: Phase = { is: "done" };
const LEFT: Phase = { is: "left" };
const FINISHED: IteratorReturnResult<undefined> = { done: true, value: undefined };

/**
 * Messages on their way from a sink, which pushes, to a `for await`, which pulls. What bounds it is credit: it says
 * what was taken, and its filler may send as much again.
 *
 * A failure is told after the messages before it, and once; then the iterator is done.
 */
export class MessageQueue<T> {
  /** For one consumer, once. */
  readonly messages: AsyncIterableIterator<T, undefined, undefined> = {
    next: () => this.next(),
    return: () => this.leave(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
  private readonly owner: QueueOwner;
  private waiting: T[] = [];
  private costs: number[] = [];
  /** Of the next message to be taken. */
  private first = 0;
  private waiters: Waiter<T>[] = [];
  private phase: Phase = OPEN;

  constructor(owner: QueueOwner) {
    this.owner = owner;
  }

  /** Whether the consumer has taken all there is. */
  get empty(): boolean {
    return this.first === this.waiting.length;
  }

  /** Ignored after the end; after the consumer left, the message counts as taken. */
  push(message: T, cost: number): void {
    if (this.phase.is !== "open") {
      if (this.phase.is === "left") this.owner.taken(cost);
      return;
    }
    const waiter = this.waiters.shift();
    if (waiter === undefined) {
      this.waiting.push(message);
      this.costs.push(cost);
      return;
    }
    waiter.resolve({ done: false, value: message });
    this.owner.taken(cost);
  }

  /** `conclude` is called when the consumer comes to the end, not if it leaves before. What it throws fails the queue. */
  end(conclude: () => void = nothing): void {
    if (this.phase.is !== "open") return;
    this.phase = { is: "ending", conclude };
    const [first, ...rest] = this.waiters.splice(0);
    if (first === undefined) return;
    try {
      this.conclude();
      first.resolve(FINISHED);
    } catch (error) {
      first.reject(error);
    }
    for (const waiter of rest) waiter.resolve(FINISHED);
  }

  /** Messages that wait are still given. */
  fail(error: unknown): void {
    this.end(() => {
      throw error;
    });
  }

  private next(): Promise<IteratorResult<T, undefined>> {
    if (this.first < this.waiting.length) return Promise.resolve({ done: false, value: this.shift() });
    if (this.phase.is === "open") {
      return new Promise((resolve, reject) => {
        this.waiters.push({ resolve, reject });
      });
    }
    try {
      this.conclude();
      return Promise.resolve(FINISHED);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private conclude(): void {
    const { phase } = this;
    if (phase.is !== "ending") return;
    this.phase = DONE;
    phase.conclude();
  }

  /** The consumer leaves: what waits is dropped. */
  private leave(): Promise<IteratorResult<T, undefined>> {
    const before = this.phase;
    this.phase = LEFT;
    let cost = 0;
    for (let i = this.first; i < this.costs.length; i += 1) cost += this.costs[i] ?? 0;
    this.waiting = [];
    this.costs = [];
    this.first = 0;
    for (const waiter of this.waiters.splice(0)) waiter.resolve(FINISHED);
    if (cost > 0) this.owner.taken(cost);
    if (before.is === "open") this.owner.left();
    return Promise.resolve(FINISHED);
  }

  private shift(): T {
    const { first } = this;
    const message = this.waiting[first] as T;
    const cost = this.costs[first] as number;
    this.waiting[first] = undefined as T;
    this.first += 1;
    if (this.first === this.waiting.length) {
      this.waiting.length = 0;
      this.costs.length = 0;
      this.first = 0;
    } else if (this.first >= COMPACT_AT) {
      this.waiting.splice(0, this.first);
      this.costs.splice(0, this.first);
      this.first = 0;
    }
    this.owner.taken(cost);
    return message;
  }
}

/** So many taken messages at the front are worth a move of the rest. */
const COMPACT_AT = 1024;

function nothing(): void {}
