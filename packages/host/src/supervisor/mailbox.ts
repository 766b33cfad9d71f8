/** Takes facts one at a time, in the order in which they came; what is posted meanwhile waits its turn. */
export interface Mailbox<Fact> {
  post(fact: Fact): void;
}

/**
 * Runs `handle` for each fact. It must not throw: an actor that fell over would leave its plugin unwatched, so what
 * it throws goes to `onError` and the next fact is taken.
 */
export function createMailbox<Fact>(
  handle: (fact: Fact) => void,
  onError: (error: unknown, fact: Fact) => void,
): Mailbox<Fact> {
  const waiting: Fact[] = [];
  let busy = false;
  return {
    post(fact) {
      waiting.push(fact);
      if (busy) return;
      busy = true;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        try {
          handle(next);
        } catch (error) {
          onError(error, next);
        }
      }
      busy = false;
    },
  };
}
