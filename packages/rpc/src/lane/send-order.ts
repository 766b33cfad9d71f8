import type { Batch } from "./batch.js";
import type { LaneStream } from "./lane-stream.js";
import { StreamList } from "./stream-list.js";

/** Whose turn it is to send: calls that had to wait take turns, a piece each, as long as the pipe takes it. */
export class SendOrder {
  readonly #batch: Batch;
  readonly #openNext: () => boolean;
  readonly #ready = new StreamList<LaneStream>();
  #isRunning = false;

  /** `openNext` opens one of the calls that wait to be opened, if one can be. */
  constructor(batch: Batch, openNext: () => boolean) {
    this.#batch = batch;
    this.#openNext = openNext;
  }

  /** Whether nobody waits for a turn: then who has something may send it at once. */
  get isClear(): boolean {
    return this.#ready.size === 0 && !this.#batch.blocked;
  }

  schedule(stream: LaneStream): void {
    this.#line(stream);
    this.run();
  }

  run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (!this.#batch.blocked && (this.#openNext() || this.#ready.size > 0)) this.#turn();
    } finally {
      this.#isRunning = false;
    }
  }

  #turn(): void {
    const stream = this.#ready.shift();
    if (stream === undefined) return;
    stream.sendNext();
    this.#line(stream);
  }

  #line(stream: LaneStream): void {
    if (stream.list === undefined && stream.canSend) this.#ready.push(stream);
  }
}
