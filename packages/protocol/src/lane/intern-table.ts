import { LaneProtocolError } from "./lane-rule.js";

// Both sides count definitions: the n-th takes slot n modulo the size of the table, and what stood there is forgotten.
// So a slot is never named in a definition, nothing is ever full, and memory has a bound.

/** The sender's half: which slot means what. */
export class InternWriter<K> {
  readonly #slots = new Map<K, number>();
  readonly #keys: K[] = [];
  readonly #size: number;
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** -1 if there is none. */
  slotOf(key: K): number {
    return this.#slots.get(key) ?? -1;
  }

  define(key: K): void {
    const slot = this.#next;
    if (this.#keys.length > slot) this.#slots.delete(this.#keys[slot] as K);
    this.#keys[slot] = key;
    this.#slots.set(key, slot);
    this.#next = (slot + 1) % this.#size;
  }
}

/** The receiver's half. */
export class InternReader<V> {
  readonly #values: V[] = [];
  readonly #size: number;
  readonly #what: string;
  #next = 0;

  constructor(size: number, what: string) {
    this.#size = size;
    this.#what = what;
  }

  define(value: V): void {
    this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#size;
  }

  get(slot: number): V {
    if (slot >= this.#values.length) {
      throw new LaneProtocolError(
        "reference",
        `A reference must be to something defined, but ${this.#what} ${slot} is not`,
      );
    }
    return this.#values[slot] as V;
  }
}
