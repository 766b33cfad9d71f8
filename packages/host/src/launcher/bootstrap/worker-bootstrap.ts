// What a plugin's worker runs first. Its data are its ends of the pipe; a message from the host asks it to stop.
import { parentPort, workerData } from "node:worker_threads";
import { createRingPipe, type RingEnds } from "../pipe/ring-pipe.js";
import { flushOutput } from "./flush-output.js";
import { runEntry } from "./run-entry.js";

const run = runEntry(createRingPipe(workerData as RingEnds));

parentPort?.on("message", (reason: string) => run.stop(reason));
// Only the pipe keeps the worker.
parentPort?.unref();

const code = await run.ended;
await flushOutput();
process.exit(code);
