interface WaitingPing {
  readonly nonce: number;
  readonly sentAt: number;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: Error) => void;
}

/** Pings that wait for their answer. An answer also answers those before it. */
export class PingBoard {
  #nonce = 0;
  #waiting: WaitingPing[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  add(now: number): { readonly nonce: number; readonly answered: Promise<number> } {
    this.#nonce = (this.#nonce + 1) >>> 0;
    const nonce = this.#nonce;
    const answered = new Promise<number>((resolve, reject) => {
      this.#waiting.push({ nonce, sentAt: now, resolve, reject });
    });
    return { nonce, answered };
  }

  /** Answers to nothing are ignored. */
  answer(nonce: number, now: number): void {
    const index = this.#waiting.findIndex((ping) => ping.nonce === nonce);
    for (const ping of this.#waiting.splice(0, index + 1)) ping.resolve(now - ping.sentAt);
  }

  fail(error: Error): void {
    for (const ping of this.#waiting.splice(0)) ping.reject(error);
  }
}
