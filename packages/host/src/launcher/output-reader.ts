import type { Readable } from "node:stream";
import { createOutputLines } from "./output-lines.js";
import { within } from "./within.js";

/** What a plugin may write in the long run, in bytes a second and stream. */
const RATE = 1_048_576;

/** What it may write at once. */
const BURST = 1_048_576;

/** What a line costs beside its bytes: telling it is more work than reading it. */
const LINE_COST = 64;

/** How long nothing may come of a stream whose writer is gone, and how often that is looked at before it is left. */
const QUIET_MS = 250;
const QUIET_ROUNDS = 5;

export interface OutputReader {
  /**
   * The writer is gone: reads what is left, without a brake, and tells the last line. Settles soon: a process that has
   * inherited the stream and lives on is not listened to any longer.
   */
  finish(): Promise<void>;
}

/**
 * Tells the lines of a stream. A flood is slowed, not dropped: reading pauses, so that the writer blocks or, in a
 * worker, waits. The first pause is told as a line of its own.
 */
export function createOutputReader(stream: Readable, tell: (line: string) => void): OutputReader {
  let budget = BURST;
  let countedAt = performance.now();
  let pause: NodeJS.Timeout | undefined;
  let told = false;
  let finishing = false;
  let received = 0;

  const lines = createOutputLines((line) => {
    budget -= LINE_COST;
    tell(line);
  });

  function spend(bytes: number): void {
    const now = performance.now();
    budget = Math.min(BURST, budget + ((now - countedAt) / 1_000) * RATE) - bytes;
    countedAt = now;
    if (budget > 0 || finishing) return;
    if (!told) tell("… [slowed: more than 1 MiB of output a second; further pauses are not told]");
    told = true;
    stream.pause();
    pause = setTimeout(() => stream.resume(), ((BURST / 8 - budget) / RATE) * 1_000);
    pause.unref();
  }

  const ended = new Promise<void>((resolve) => {
    stream.once("close", resolve);
    stream.once("end", resolve);
    stream.once("error", () => resolve());
  });
  stream.on("data", (chunk: Buffer) => {
    received += chunk.byteLength;
    lines.add(chunk);
    spend(chunk.byteLength);
  });

  return {
    async finish() {
      finishing = true;
      clearTimeout(pause);
      stream.resume();
      let before = -1;
      for (let round = 0; round < QUIET_ROUNDS && before !== received; round++) {
        before = received;
        if (await within(QUIET_MS, ended)) break;
      }
      stream.destroy();
      lines.finish();
    },
  };
}
