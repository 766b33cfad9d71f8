/** What the queue tells whoever fills it. Neither may throw. */
export interface QueueOwner {
  /** The consumer has taken, or does not want any more, messages of this cost. */
  taken(cost: number): void;
  /** The consumer left before the end. */
  left(): void;
}

type End = { readonly how: "open" | "done" | "left" } | { readonly how: "failed"; readonly error: unknown };

interface Waiter<T> {
  resolve(result: IteratorResult<T, undefined>): void;
  reject(error: unknown): void;
}

const OPEN: End = { how: "open" };
const DONE: End = { how: "done" };
const LEFT: End = { how: "left" };
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
  private over: End = OPEN;

  constructor(owner: QueueOwner) {
    this.owner = owner;
  }

  /** Whether the consumer has taken all there is. */
  get empty(): boolean {
    return this.first === this.waiting.length;
  }

  /** Ignored after the end; after the consumer left, the message counts as taken. */
  push(message: T, cost: number): void {
    if (this.over.how !== "open") {
      if (this.over.how === "left") this.owner.taken(cost);
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

  /** `atEnd` is called when the consumer comes to the end, and not if it leaves. What it throws fails the queue. */
  end(atEnd?: () => void): void {
    this.finish(atEnd === undefined ? DONE : { how: "ending", atEnd });
  }

  /** Messages that wait are still given. */
  fail(error: unknown): void {
    this.finish({ how: "failed", error });
  }

  private next(): Promise<IteratorResult<T, undefined>> {
    if (this.first < this.waiting.length) return Promise.resolve({ done: false, value: this.shift() });
    if (this.over.how === "open") {
      return new Promise((resolve, reject) => {
        this.waiters.push({ resolve, reject });
      });
    }
    if (this.over.how !== "failed") return Promise.resolve(FINISHED);
    const { error } = this.over;
    this.over = DONE;
    return Promise.reject(error);
  }

  /** The consumer leaves: what waits is dropped. */
  private leave(): Promise<IteratorResult<T, undefined>> {
    const before = this.over;
    this.over = LEFT;
    let cost = 0;
    for (let i = this.first; i < this.costs.length; i += 1) cost += this.costs[i] ?? 0;
    this.waiting = [];
    this.costs = [];
    this.first = 0;
    for (const waiter of this.waiters.splice(0)) waiter.resolve(FINISHED);
    if (cost > 0) this.owner.taken(cost);
    if (before.how === "open") this.owner.left();
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

  private finish(end: End): void {
    if (this.over.how !== "open") return;
    this.over = end;
    const [first, ...rest] = this.waiters.splice(0);
    if (first === undefined) return;
    if (end.how === "failed") {
      this.over = DONE;
      first.reject(end.error);
    } else {
      first.resolve(FINISHED);
    }
    for (const waiter of rest) waiter.resolve(FINISHED);
  }
}

/** So many taken messages at the front are worth a move of the rest. */
const COMPACT_AT = 1024;
