import { type LaneSide, openerOf } from "@connect-plugin/protocol";

// Ids are numbers of 31 bits that go round: "later" means less than half a round ahead.

const MASK = 0x7fff_ffff;
const HALF = 0x4000_0000;

/** Whether an id comes after another in the order in which one side gives them out. */
export function isLater(id: number, than: number): boolean {
  const ahead = (id - than) & MASK;
  return ahead !== 0 && ahead < HALF;
}

/** The ids of one side's calls that have been used. */
export class UsedIds {
  /** 0 for none. */
  last = 0;

  /** Whether there has been a call of this id: then what is late may still arrive for it. */
  has(id: number): boolean {
    return this.last !== 0 && !isLater(id, this.last);
  }
}

/** Gives out the ids of one side's calls. */
export class FreshIds {
  readonly used = new UsedIds();
  #next: number;

  constructor(side: LaneSide, first = side === "host" ? 2 : 1) {
    if (openerOf(first) !== side) throw new RangeError(`first must be an id of the ${side}, but is ${first}`);
    this.#next = first;
  }

  /** The next id that `calls` does not hold. */
  take(calls: { get(id: number): unknown }): number {
    let id = this.#next;
    while (calls.get(id) !== undefined) id = after(id);
    this.used.last = id;
    this.#next = after(id);
    return id;
  }
}

function after(id: number): number {
  const next = (id + 2) & MASK;
  return next === 0 ? 2 : next;
}
