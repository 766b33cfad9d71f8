/** What waits for a signal that may be that of thousands of calls. */
export type AbortListener = () => void;

const waiting = new WeakMap<AbortSignal, AbortListeners>();

/**
 * All that waits for one signal, as one listener of it: an event target warns of a leak where more than ten listen,
 * and takes time in proportion to add and to remove one. A listener must not throw. Not called for a signal that is
 * aborted already.
 */
export function addAbortListener(signal: AbortSignal, listener: AbortListener): void {
  let listeners = waiting.get(signal);
  if (listeners === undefined) {
    listeners = new AbortListeners(signal);
    waiting.set(signal, listeners);
  }
  listeners.add(listener);
}

/** Idempotent. */
export function removeAbortListener(signal: AbortSignal, listener: AbortListener): void {
  waiting.get(signal)?.remove(listener);
}

class AbortListeners {
  private readonly signal: AbortSignal;
  private readonly all = new Set<AbortListener>();

  constructor(signal: AbortSignal) {
    this.signal = signal;
  }

  add(listener: AbortListener): void {
    if (this.all.size === 0) this.signal.addEventListener("abort", this.tell);
    this.all.add(listener);
  }

  remove(listener: AbortListener): void {
    if (this.all.delete(listener) && this.all.size === 0) this.signal.removeEventListener("abort", this.tell);
  }

  private readonly tell = (): void => {
    for (const listener of this.all) listener();
  };
}
