import type { HostEvent } from "../event.js";

/** Events as a stream. A reader that falls behind loses the oldest and is told how many. */
export type FedEvent =
  | { readonly kind: "event"; readonly at: Date; readonly event: HostEvent }
  | { readonly kind: "missed"; readonly at: Date; readonly count: number };

/** Events that wait for a slow reader. */
const LIMIT = 1_000;

export async function* feedEvents(
  subscribe: (listener: (event: HostEvent) => void) => () => void,
  signal: AbortSignal,
): AsyncGenerator<FedEvent, void> {
  const waiting: FedEvent[] = [];
  let missed = 0;
  let wake: () => void = () => undefined;
  const unsubscribe = subscribe((event) => {
    waiting.push({ kind: "event", at: new Date(), event });
    if (waiting.length > LIMIT) {
      waiting.shift();
      missed++;
    }
    wake();
  });
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      if (missed > 0) {
        const count = missed;
        missed = 0;
        yield { kind: "missed", at: new Date(), count };
      }
      const next = waiting.shift();
      if (next !== undefined) {
        yield next;
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    unsubscribe();
    signal.removeEventListener("abort", onAbort);
  }
}
