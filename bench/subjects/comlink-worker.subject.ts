// The worker of comlink.
import { parentPort } from "node:worker_threads";
import { expose } from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";

const echoWorker = { echo: ({ text }: { text: string }) => ({ text }) };

export type EchoWorker = typeof echoWorker;

if (parentPort === null) throw new Error("wanted to be a worker, found to be the main thread");
expose(echoWorker, nodeEndpoint(parentPort));
