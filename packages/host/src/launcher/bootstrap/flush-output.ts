import type { Writable } from "node:stream";
import { within } from "../within.js";

const FLUSH_LIMIT_MS = 500;

/** Waits for what was written to stdout and stderr, which `process.exit` would throw away, but not for long. */
export async function flushOutput(): Promise<void> {
  await within(FLUSH_LIMIT_MS, Promise.all([flush(process.stdout), flush(process.stderr)]));
}

function flush(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write("", () => resolve());
  });
}
