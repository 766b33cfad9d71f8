const SLOTS = 1_024;

/**
 * The calls of one side by id. Ids go up, so those that are open at a time mostly fall into different slots of a ring;
 * the few whose slot is taken by a long-lived call go into a map.
 */
export class StreamTable<S extends { readonly id: number }> {
  readonly #ring: (S | undefined)[] = new Array<S | undefined>(SLOTS).fill(undefined);
  readonly #others = new Map<number, S>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): S | undefined {
    const stream = this.#ring[slotOf(id)];
    if (stream !== undefined && stream.id === id) return stream;
    return this.#others.size === 0 ? undefined : this.#others.get(id);
  }

  add(stream: S): void {
    const slot = slotOf(stream.id);
    if (this.#ring[slot] === undefined) this.#ring[slot] = stream;
    else this.#others.set(stream.id, stream);
    this.#size += 1;
  }

  remove(stream: S): void {
    const slot = slotOf(stream.id);
    if (this.#ring[slot] === stream) this.#ring[slot] = undefined;
    else if (!this.#others.delete(stream.id)) return;
    this.#size -= 1;
  }

  /** All of them, as they are now. */
  snapshot(): S[] {
    return [...this.#ring.filter((stream) => stream !== undefined), ...this.#others.values()];
  }
}

/** The lowest bit says whose call it is, and is the same for all in a table. */
function slotOf(id: number): number {
  return (id >>> 1) & (SLOTS - 1);
}
