import { childProcessLane } from "./benchmarks/child-process-lane.js";
import { inProcessCall } from "./benchmarks/in-process-call.js";
import { largeMessage } from "./benchmarks/large-message.js";
import { routedCall } from "./benchmarks/routed-call.js";
import { serverStream } from "./benchmarks/server-stream.js";
import { stalledReader } from "./benchmarks/stalled-reader.js";
import { startUp } from "./benchmarks/start-up.js";
import { streamMemory } from "./benchmarks/stream-memory.js";
import { workerLane } from "./benchmarks/worker-lane.js";
import type { Benchmark } from "./harness/benchmark.js";

/** Every benchmark, in the order of the table. */
export const benchmarks: readonly Benchmark[] = [
  childProcessLane,
  routedCall,
  workerLane,
  inProcessCall,
  serverStream,
  streamMemory,
  stalledReader,
  largeMessage,
  startUp,
];
