/** Small pieces are copied into buffers of this size: one for each would cost more than all else. */
const SLAB = 16_384;
const SMALL = 1_024;

/** Copies bytes that are valid only for a moment. */
export class PieceStore {
  #slab = new Uint8Array(0);
  #used = 0;

  keep(bytes: Uint8Array): Uint8Array {
    if (bytes.length > SMALL) return new Uint8Array(bytes);
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
