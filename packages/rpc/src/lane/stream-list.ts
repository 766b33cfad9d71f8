/** What can stand in a {@link StreamList}: in one at a time. */
export interface Listed<T extends Listed<T>> {
  list: StreamList<T> | undefined;
  before: T | undefined;
  after: T | undefined;
}

/** A queue from whose middle can be taken at no cost: the links are in its members. */
export class StreamList<T extends Listed<T>> {
  #first: T | undefined;
  #last: T | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(member: T): void {
    member.list = this;
    member.before = this.#last;
    if (this.#last === undefined) this.#first = member;
    else this.#last.after = member;
    this.#last = member;
    this.#size += 1;
  }

  shift(): T | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  remove(member: T): void {
    const { before, after } = member;
    if (before === undefined) this.#first = after;
    else before.after = after;
    if (after === undefined) this.#last = before;
    else after.before = before;
    member.list = undefined;
    member.before = undefined;
    member.after = undefined;
    this.#size -= 1;
  }
}
