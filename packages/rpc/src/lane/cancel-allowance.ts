/** How many cancels a second are forgiven in any case. */
const FORGIVEN_PER_SECOND = 1_000;

/**
 * A peer may cancel its calls, but one that is cancelled as soon as it is made costs this side its work and the peer
 * next to nothing, and does not count as open any more. So cancels draw on an allowance.
 */
export class CancelAllowance {
  readonly #most: number;
  #left: number;
  #since: number;

  constructor(most: number, now: number) {
    this.#most = most;
    this.#left = most;
    this.#since = now;
  }

  /** The peer made a call. */
  earn(): void {
    if (this.#left < this.#most) this.#left += 1;
  }

  /** The peer cancelled a call: that costs more than it earned. False if there were too many. */
  spend(now: number): boolean {
    this.#left -= 2;
    if (this.#left >= 0) return true;
    const forgiven = Math.floor(((now - this.#since) / 1_000) * FORGIVEN_PER_SECOND);
    this.#since = now;
    this.#left = Math.min(this.#most, this.#left + forgiven);
    return this.#left >= 0;
  }
}
