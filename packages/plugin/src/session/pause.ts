import { setTimeout as sleep } from "node:timers/promises";

/** Waits; ends early when the signal aborts. Keeps no process alive. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal, ref: false });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Waits for something, but not longer than `ms`; says whether it came. It must not reject. */
export async function within(ms: number, what: Promise<unknown>): Promise<boolean> {
  const limit = new AbortController();
  try {
    // This wait is somebody's last duty, so it does keep the process alive.
    const timeout = sleep(Math.max(0, ms), false, { signal: limit.signal }).catch(() => false);
    return await Promise.race([what.then(() => true), timeout]);
  } finally {
    limit.abort();
  }
}

/** Settles when the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
