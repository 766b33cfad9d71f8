/** Tells any number of readers that something has changed, without keeping a queue for any of them. */
export interface ChangeFeed {
  /** Something changed: every reader gets one value, whether it waits now or asks later. */
  changed(): void;
  /** No further change will come: readers end. Idempotent. */
  end(): void;
  /** Yields what `value` returns after each change since this was called; changes in quick succession become one. */
  read<T>(value: () => T, signal?: AbortSignal): AsyncIterable<T>;
}

/**
 * A reader holds nothing but the number of the last change that it saw, so one that was made and never read costs
 * nothing, and one that is slow misses no state but only the steps between.
 */
export function createChangeFeed(): ChangeFeed {
  let count = 0;
  let ended = false;
  const waiting = new Set<() => void>();

  function wakeAll(wakes: Set<() => void>): void {
    for (const wake of [...wakes]) wake();
  }

  function createReader<T>(from: number, value: () => T, signal: AbortSignal | undefined): AsyncIterator<T> {
    let seen = from;
    let left = false;
    const own = new Set<() => void>();

    function wait(): Promise<void> {
      return new Promise((resolve) => {
        const wake = () => {
          waiting.delete(wake);
          own.delete(wake);
          signal?.removeEventListener("abort", wake);
          resolve();
        };
        waiting.add(wake);
        own.add(wake);
        signal?.addEventListener("abort", wake);
      });
    }

    return {
      async next() {
        while (!left && !ended && !signal?.aborted) {
          if (seen !== count) {
            seen = count;
            return { done: false, value: value() };
          }
          await wait();
        }
        return { done: true, value: undefined };
      },
      async return() {
        left = true;
        wakeAll(own);
        return { done: true, value: undefined };
      },
    };
  }

  return {
    changed() {
      if (ended) return;
      count++;
      wakeAll(waiting);
    },
    end() {
      ended = true;
      wakeAll(waiting);
    },
    read(value, signal) {
      const from = count;
      return { [Symbol.asyncIterator]: () => createReader(from, value, signal) };
    },
  };
}
