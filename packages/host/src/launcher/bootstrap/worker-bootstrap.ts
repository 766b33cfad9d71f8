// What a plugin's worker runs first. The port in its data is the pipe; a message from the host asks it to stop.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { createPortPipe } from "../pipe/port-pipe.js";
import { flushOutput } from "./flush-output.js";
import { runEntry } from "./run-entry.js";

const { port } = workerData as { readonly port: MessagePort };
const run = runEntry(createPortPipe(port));

parentPort?.on("message", (reason: string) => run.stop(reason));
// Only the pipe keeps the worker.
parentPort?.unref();

const code = await run.ended;
await flushOutput();
process.exit(code);
