/** What the windows of a connection may grow by, all together. */
export interface WindowPool {
  left: number;
}

/**
 * How much the peer may send in one call, seen from the receiver: at any time its bytes are still the peer's to send
 * (`#allowed`), with the reader (`#unread`), or taken but not yet told (`#owed`).
 */
export class FlowWindow {
  readonly #pool: WindowPool;
  readonly #initial: number;
  readonly #most: number;
  #size: number;
  #allowed: number;
  #unread = 0;
  #owed = 0;

  constructor(initial: number, most: number, pool: WindowPool) {
    this.#pool = pool;
    this.#initial = initial;
    this.#most = most;
    this.#size = initial;
    this.#allowed = initial;
  }

  get allowed(): number {
    return this.#allowed;
  }

  /** Something came. False if the peer was not allowed to send so much. */
  receive(cost: number): boolean {
    if (cost > this.#allowed) return false;
    this.#allowed -= cost;
    this.#unread += cost;
    return true;
  }

  /** The reader took something. Returns the credit to tell the peer of now, often none: it is told at half a window. */
  take(cost: number): number {
    const taken = Math.min(cost, this.#unread);
    this.#unread -= taken;
    this.#owed += taken;
    if (this.#owed * 2 < this.#size) return 0;
    // Half a window came, and nothing of it lies about: the window is what holds the peer up, not the reader.
    const credit = this.#owed + (this.#unread === 0 ? this.#grow() : 0);
    this.#owed = 0;
    this.#allowed += credit;
    return credit;
  }

  /** The call is over. */
  close(): void {
    this.#pool.left += this.#size - this.#initial;
    this.#size = this.#initial;
  }

  #grow(): number {
    const growth = Math.min(this.#size, this.#most - this.#size, this.#pool.left);
    this.#pool.left -= growth;
    this.#size += growth;
    return growth;
  }
}
