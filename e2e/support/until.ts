import { setTimeout as sleep } from "node:timers/promises";

/** Far more than anything here takes, even on a slow machine. */
const LIMIT_MS = 30_000;

/**
 * Waits until something is found and gives it back. Nothing (`undefined`, `false`, `null`) means: look again.
 *
 * Rejects, saying what was waited for, if that takes unreasonably long.
 */
export async function until<T>(
  what: string,
  find: () => T | Promise<T>,
  limitMs = LIMIT_MS,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== null && found !== false) {
      return found as Exclude<T, undefined | null | false>;
    }
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await sleep(10);
  }
}
