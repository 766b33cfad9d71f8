// connect-plugin: one plugin reads a long stream from another through this process, whose memory is measured.
import { createHost } from "@connect-plugin/host";
import { DriverService } from "../gen/bench/v1/driver_pb.js";
import { measureMemory } from "../harness/memory.js";
import { serveOrders } from "../harness/serve-orders.js";
import { childPlugins } from "./ours-plugins.js";

export interface ReadOrder {
  readonly bytes: number;
}

const MESSAGE_BYTES = 65_536;

const { echo, store, driver } = childPlugins();
const host = createHost({ plugins: { echo, store, driver } });
await host.start();
const client = host.client(DriverService, { plugin: "driver" });

await serveOrders(
  async ({ bytes }: ReadOrder) => {
    await read(1 << 20);
    return await measureMemory(async () => await read(bytes));
  },
  async () => {
    await host.stop();
  },
);

async function read(bytes: number): Promise<void> {
  const order = { count: bytes / MESSAGE_BYTES, messageBytes: MESSAGE_BYTES };
  const arrived = await client.driveRead(order, { timeoutMs: 120_000 });
  if (arrived.bytes !== bytes) throw new Error(`wanted ${bytes} bytes to arrive, found ${arrived.bytes}`);
}
