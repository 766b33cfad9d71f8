/** A stream of requests that a test feeds by hand. */
export interface MessageSource<T> extends AsyncIterable<T> {
  send(message: T): void;
  end(): void;
}

export function createMessageSource<T>(): MessageSource<T> {
  const waiting: T[] = [];
  let ended = false;
  let wake: () => void = () => {};
  return {
    send(message) {
      waiting.push(message);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const next = waiting.shift();
        if (next !== undefined) yield next;
        else if (ended) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    },
  };
}
