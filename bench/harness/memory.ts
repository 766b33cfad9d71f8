/** What a task added to this process's resident memory. */
export interface AddedMemory {
  readonly addedBytes: number;
  readonly ms: number;
}

const sampleEveryMs = 5;

/**
 * The peak of resident memory during a task, above what was resident right before it. Where the task raised the
 * process's own high-water mark, that is the peak; where it stayed below what starting had needed, the highest of
 * samples taken every 5 ms is. Measure once in a process; with `--expose-gc`, what starting left is collected first.
 */
export async function measureMemory(task: () => Promise<void>): Promise<AddedMemory> {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 100));
  const before = process.memoryUsage.rss();
  const markBefore = highWaterMark();
  let sampled = before;
  const timer = setInterval(() => {
    sampled = Math.max(sampled, process.memoryUsage.rss());
  }, sampleEveryMs);
  const began = performance.now();
  try {
    await task();
  } finally {
    clearInterval(timer);
  }
  const ms = performance.now() - began;
  const mark = highWaterMark();
  return { addedBytes: (mark > markBefore ? mark : sampled) - before, ms };
}

function highWaterMark(): number {
  // Node tells it in KiB.
  return process.resourceUsage().maxRSS * 1024;
}
