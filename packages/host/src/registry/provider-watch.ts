import type { Cursor, ProviderRecord } from "./record.js";

/** Who provides, at one time. */
export interface ProviderList {
  /** The list holds as of here. */
  readonly cursor: Cursor;
  /** Lists before this one were left out: there were changes that nobody was told of. */
  readonly snapshot: boolean;
  /** Complete, ordered by plugin. */
  readonly providers: readonly ProviderRecord[];
}

/**
 * One reader of lists. Holds a count of changes and nothing else, so that one who reads slowly, or never, costs the
 * others nothing: what it missed comes as one list.
 */
export class ProviderWatch implements AsyncIterator<ProviderList, undefined> {
  private readonly list: (snapshot: boolean) => ProviderList;
  private readonly onEnd: (watch: ProviderWatch) => void;
  private readonly signal: AbortSignal | undefined;
  private readonly waiting: ((result: IteratorResult<ProviderList, undefined>) => void)[] = [];
  /** Changes that the reader has not been told of. */
  private missed: number;
  private ended = false;

  constructor(options: {
    readonly missed: number;
    readonly list: (snapshot: boolean) => ProviderList;
    readonly onEnd: (watch: ProviderWatch) => void;
    readonly signal: AbortSignal | undefined;
  }) {
    this.missed = options.missed;
    this.list = options.list;
    this.onEnd = options.onEnd;
    this.signal = options.signal;
    this.signal?.addEventListener("abort", this.end, { once: true });
  }

  changed(): void {
    this.missed++;
    const next = this.waiting.shift();
    if (next !== undefined) next({ done: false, value: this.take() });
  }

  next(): Promise<IteratorResult<ProviderList, undefined>> {
    if (this.signal?.aborted) this.end();
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    if (this.missed > 0) return Promise.resolve({ done: false, value: this.take() });
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  return(): Promise<IteratorResult<ProviderList, undefined>> {
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  private take(): ProviderList {
    const snapshot = this.missed > 1;
    this.missed = 0;
    return this.list(snapshot);
  }

  private readonly end = (): void => {
    if (this.ended) return;
    this.ended = true;
    this.signal?.removeEventListener("abort", this.end);
    for (const resolve of this.waiting.splice(0)) resolve({ done: true, value: undefined });
    this.onEnd(this);
  };
}
