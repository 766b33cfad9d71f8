import { createLatencyRecorder } from "./latency-recorder.js";

/** How much load, and for how long. */
export interface CallLoadOrder {
  readonly inFlight: number;
  readonly ms: number;
}

export interface CallLoad {
  readonly calls: number;
  readonly ms: number;
  readonly p50Us: number;
  readonly p99Us: number;
}

const recorder = createLatencyRecorder(1 << 20);

/** Calls for so long, always with so many calls in flight. One load at a time in a process. */
export async function makeCallLoad(call: () => Promise<unknown>, order: CallLoadOrder): Promise<CallLoad> {
  recorder.reset();
  let calls = 0;
  const began = performance.now();
  const until = began + order.ms;
  const callUntilTheEnd = async () => {
    for (let at = performance.now(); at < until; ) {
      await call();
      const after = performance.now();
      recorder.add(after - at);
      calls += 1;
      at = after;
    }
  };
  await Promise.all(Array.from({ length: order.inFlight }, callUntilTheEnd));
  const ms = performance.now() - began;
  const { 50: p50, 99: p99 } = recorder.percentiles([50, 99]);
  return { calls, ms, p50Us: p50 * 1000, p99Us: p99 * 1000 };
}

export function callsPerSecond(load: CallLoad): number {
  return load.calls / (load.ms / 1000);
}
