import { INITIAL_CREDIT } from "@connect-plugin/protocol";

/** Where a pump's messages go. Exactly one of `done`, `failed` and `left` is called, last. */
export interface PumpTarget<T> {
  /** Sends one and returns what it took of the credit. What it throws goes to `failed`. */
  send(value: T): number;
  done(): void;
  /** The source, or `send`, threw this. */
  failed(error: unknown): void;
  /** The source was left because the pump was stopped; with what it threw then, if it did. */
  left(error: unknown): void;
}

/** Calls a step of the source; an end that keeps handlers in an `AsyncLocalStorage` does so here. */
export type RunStep = <T>(step: () => T) => T;

/**
 * Messages from an async iterable, which is pulled, to a sink, which is pushed: as fast as both can, and not one
 * more than there is credit for.
 */
export class MessagePump<T> {
  private readonly target: PumpTarget<T>;
  private readonly run: RunStep;
  private readonly iterator: AsyncIterator<T>;
  private credit = INITIAL_CREDIT;
  private resume: (() => void) | undefined;
  private state: "pumping" | "stopped" | "over" = "pumping";

  /** Throws what the source throws on being asked for its iterator. */
  constructor(source: AsyncIterable<T>, target: PumpTarget<T>, run: RunStep = runPlainly) {
    this.target = target;
    this.run = run;
    this.iterator = run(() => source[Symbol.asyncIterator]());
  }

  start(): void {
    if (this.state === "pumping") this.pull();
  }

  credited(bytes: number): void {
    this.credit += bytes;
    if (this.credit <= 0 || this.resume === undefined) return;
    const { resume } = this;
    this.resume = undefined;
    resume();
  }

  /** Takes no more from the source and tells it so. */
  stop(): void {
    if (this.state !== "pumping") return;
    this.state = "stopped";
    this.resume = undefined;
    const { iterator } = this;
    if (iterator.return === undefined) {
      this.leave(undefined);
      return;
    }
    this.step(() => iterator.return?.()).then(
      () => this.leave(undefined),
      (error: unknown) => this.leave(error),
    );
  }

  private readonly next = () => this.iterator.next();

  private readonly pull = (): void => {
    if (this.state === "pumping") this.step(this.next).then(this.took, this.threw);
  };

  private readonly took = (result: IteratorResult<T>): void => {
    if (this.state !== "pumping") return;
    if (result.done === true) {
      this.state = "over";
      this.target.done();
      return;
    }
    try {
      // Not in one expression: sending may bring credit.
      const cost = this.target.send(result.value);
      this.credit -= cost;
    } catch (error) {
      this.sendFailed(error);
      return;
    }
    if (this.credit > 0) {
      this.pull();
      return;
    }
    // By way of a promise: the source goes on in the async context in which it began, not in that of who gave credit.
    void new Promise<void>((resolve) => {
      this.resume = resolve;
    }).then(this.pull);
  };

  private readonly threw = (error: unknown): void => {
    if (this.state !== "pumping") return;
    this.state = "over";
    this.target.failed(error);
  };

  /** What the source threw synchronously is a rejection like any other. */
  private step<R>(step: () => R): Promise<Awaited<R>> {
    try {
      return Promise.resolve(this.run(step)) as Promise<Awaited<R>>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  private sendFailed(error: unknown): void {
    if (this.state !== "pumping") return;
    this.state = "over";
    const tell = () => this.target.failed(error);
    this.step(() => this.iterator.return?.()).then(tell, tell);
  }

  private leave(error: unknown): void {
    if (this.state !== "stopped") return;
    this.state = "over";
    this.target.left(error);
  }
}

const runPlainly: RunStep = (step) => step();
