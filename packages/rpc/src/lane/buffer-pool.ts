import { MAX_PIECE } from "@connect-plugin/protocol";

/** Room for a frame with a piece of any size, and for a few small ones. */
export const BUFFER_SIZE = MAX_PIECE + 4_096;

/** More than the pipes hold of a message that is on its way. */
const MOST_SPARE = 6;

/**
 * Buffers of one size, used again: of a lane that is busy with large messages, two thirds of the time went into
 * allocating them and collecting them.
 */
export class BufferPool {
  readonly #spare: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#spare.pop() ?? new Uint8Array(BUFFER_SIZE);
  }

  /** Nobody else uses it any more. */
  give(buffer: Uint8Array): void {
    if (this.#spare.length < MOST_SPARE) this.#spare.push(buffer);
  }
}
