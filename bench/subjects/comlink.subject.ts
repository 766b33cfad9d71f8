// comlink: an echo in a worker.
import { Worker } from "node:worker_threads";
import { wrap } from "comlink";
import nodeEndpoint from "comlink/dist/esm/node-adapter.mjs";
import { makeCallLoad } from "../harness/call-load.js";
import { serveOrders } from "../harness/serve-orders.js";
import { checkEcho, type EchoOrder } from "../services/echo-service.js";
import type { EchoWorker } from "./comlink-worker.subject.js";

const worker = new Worker(new URL("./comlink-worker.subject.js", import.meta.url));
const remote = wrap<EchoWorker>(nodeEndpoint(worker));

await serveOrders(
  async (order: EchoOrder) => {
    const text = "x".repeat(order.bytes);
    return await makeCallLoad(async () => checkEcho(text, (await remote.echo({ text })).text), order);
  },
  async () => {
    await worker.terminate();
  },
);
