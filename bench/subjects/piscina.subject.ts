// piscina: an echo in one worker, which may take as many tasks at once as the load has in flight.
import { fileURLToPath } from "node:url";
import { Piscina } from "piscina";
import { makeCallLoad } from "../harness/call-load.js";
import { serveOrders } from "../harness/serve-orders.js";
import { checkEcho, type EchoOrder } from "../services/echo-service.js";

const pool = new Piscina<{ text: string }, { text: string }>({
  filename: fileURLToPath(new URL("./piscina-worker.subject.js", import.meta.url)),
  minThreads: 1,
  maxThreads: 1,
  concurrentTasksPerWorker: 32,
});

await serveOrders(
  async (order: EchoOrder) => {
    const text = "x".repeat(order.bytes);
    return await makeCallLoad(async () => checkEcho(text, (await pool.run({ text })).text), order);
  },
  async () => {
    await pool.destroy();
  },
);
