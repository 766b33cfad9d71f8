// connect-plugin: this process is the host and reads a stream from a child process.
import { createHost } from "@connect-plugin/host";
import { StoreService } from "../gen/bench/v1/store_pb.js";
import { serveOrders } from "../harness/serve-orders.js";
import { createStreamLoad } from "../harness/stream-load.js";
import { readSmallMessages, type StreamOrder } from "../services/store-service.js";
import { childPlugins } from "./ours-plugins.js";

const { store } = childPlugins();
const host = createHost({ plugins: { store } });
await host.start();
const loadStream = createStreamLoad(readSmallMessages(host.client(StoreService, { plugin: "store" })));

await serveOrders(
  async ({ ms }: StreamOrder) => await loadStream(ms),
  async () => {
    await host.stop();
  },
);
