import { BUFFER_SIZE, type BufferPool } from "./buffer-pool.js";

/** Small pieces are copied into buffers of this size: one for each would cost more than all else. */
const SLAB = 16_384;
const SMALL = 1_024;
/** Larger ones get a buffer that is used again. */
const LARGE = 16_384;

/** Copies of bytes that are valid only for a moment. */
export class PieceStore {
  readonly #pool: BufferPool;
  #slab = new Uint8Array(0);
  #used = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.length <= SMALL) return this.#keepSmall(bytes);
    if (!isPooled(bytes.length)) return new Uint8Array(bytes);
    const buffer = this.#pool.take();
    buffer.set(bytes);
    return buffer.subarray(0, bytes.length);
  }

  /** A copy that was made here is not needed any more. */
  release(kept: Uint8Array): void {
    if (isPooled(kept.length)) this.#pool.give(new Uint8Array(kept.buffer));
  }

  #keepSmall(bytes: Uint8Array): Uint8Array {
    if (this.#used + bytes.length > this.#slab.length) {
      this.#slab = new Uint8Array(SLAB);
      this.#used = 0;
    }
    const start = this.#used;
    this.#slab.set(bytes, start);
    this.#used += bytes.length;
    return this.#slab.subarray(start, this.#used);
  }
}

function isPooled(length: number): boolean {
  return length > LARGE && length <= BUFFER_SIZE;
}
