/** Bytes that a ring holds. A power of two, so that positions may wrap around at 2³². */
const SIZE = 1_048_576;

/** What writer and reader tell each other, as indexes of shared numbers, each in a cache line of its own. */
const WRITTEN = 0;
const READ = 16;
const READER_SLEEPS = 32;
const WRITER_WAITS = 48;
const HEADER_BYTES = 256;

/** The memory of a ring: bytes one way between two threads, without a copy in between and without a lock. */
export function createRingMemory(): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(HEADER_BYTES + SIZE);
  Atomics.store(new Int32Array(memory), READER_SLEEPS, 1);
  return memory;
}

/** The end of a ring that bytes go into. `wake` is called when the reader must be told that there are some. */
export class RingWriter {
  readonly #told: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #wake: () => void;

  constructor(memory: SharedArrayBuffer, wake: () => void) {
    this.#told = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES);
    this.#wake = wake;
  }

  /** Takes as much as there is room for and says how much that was. If not all, the reader will wake this side. */
  write(bytes: Uint8Array): number {
    let taken = this.#copy(bytes);
    while (taken < bytes.byteLength) {
      Atomics.store(this.#told, WRITER_WAITS, 1);
      // The reader may have made room before it could see that.
      const more = this.#copy(bytes.subarray(taken));
      if (more === 0) break;
      taken += more;
    }
    if (Atomics.compareExchange(this.#told, READER_SLEEPS, 1, 0) === 1) this.#wake();
    return taken;
  }

  #copy(bytes: Uint8Array): number {
    const written = Atomics.load(this.#told, WRITTEN);
    const used = (written - Atomics.load(this.#told, READ)) | 0;
    const size = Math.min(bytes.byteLength, SIZE - used);
    if (size === 0) return 0;
    const at = written & (SIZE - 1);
    const first = Math.min(size, SIZE - at);
    this.#bytes.set(first === bytes.byteLength ? bytes : bytes.subarray(0, first), at);
    if (first < size) this.#bytes.set(bytes.subarray(first, size), 0);
    Atomics.store(this.#told, WRITTEN, (written + size) | 0);
    return size;
  }
}

/** The end of a ring that bytes come out of. `wake` is called when the writer must be told that there is room. */
export class RingReader {
  readonly #told: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #wake: () => void;
  /** What is told lies here and not in the ring, since not everything in JavaScript takes shared memory. */
  readonly #chunk: Uint8Array;

  constructor(memory: SharedArrayBuffer, wake: () => void) {
    this.#told = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#bytes = new Uint8Array(memory, HEADER_BYTES);
    this.#wake = wake;
    this.#chunk = new Uint8Array(SIZE / 4);
  }

  /** Tells the next bytes, if there are any, and says whether there were. They are valid only until `tell` returns. */
  read(tell: (bytes: Uint8Array) => void): boolean {
    const read = Atomics.load(this.#told, READ);
    const available = (Atomics.load(this.#told, WRITTEN) - read) | 0;
    if (available === 0) return false;
    const at = read & (SIZE - 1);
    const size = Math.min(available, this.#chunk.byteLength, SIZE - at);
    this.#chunk.set(this.#bytes.subarray(at, at + size));
    Atomics.store(this.#told, READ, (read + size) | 0);
    if (Atomics.compareExchange(this.#told, WRITER_WAITS, 1, 0) === 1) this.#wake();
    tell(this.#chunk.subarray(0, size));
    return true;
  }

  /** Asks to be woken by the next bytes. False if there are some already. */
  sleep(): boolean {
    Atomics.store(this.#told, READER_SLEEPS, 1);
    if (Atomics.load(this.#told, WRITTEN) === Atomics.load(this.#told, READ)) return true;
    // Unless the writer has seen it in between and wakes this side anyway.
    return Atomics.compareExchange(this.#told, READER_SLEEPS, 1, 0) === 0;
  }
}
