// connect-plugin: one plugin calls another through this process, the host.
import { createHost } from "@connect-plugin/host";
import { DriverService } from "../gen/bench/v1/driver_pb.js";
import type { CallLoad } from "../harness/call-load.js";
import { serveOrders } from "../harness/serve-orders.js";
import type { EchoOrder } from "../services/echo-service.js";
import { childPlugins } from "./ours-plugins.js";

const { echo, store, driver } = childPlugins();
const host = createHost({ plugins: { echo, store, driver } });
await host.start();
const client = host.client(DriverService, { plugin: "driver" });

await serveOrders(
  async ({ inFlight, ms, bytes }: EchoOrder): Promise<CallLoad> => {
    const load = await client.driveEcho({ inFlight, milliseconds: ms, bytes });
    return {
      calls: load.calls,
      ms: load.milliseconds,
      p50Us: load.p50Microseconds,
      p99Us: load.p99Microseconds,
    };
  },
  async () => {
    await host.stop();
  },
);
