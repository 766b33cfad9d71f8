// connect-plugin: small calls through this process, with or without large messages between two other plugins.
import { createHost } from "@connect-plugin/host";
import { DriverService } from "../gen/bench/v1/driver_pb.js";
import type { CallLoad } from "../harness/call-load.js";
import { serveOrders } from "../harness/serve-orders.js";
import { ECHO_TEXT_BYTES } from "../services/echo-service.js";
import { childPlugins } from "./ours-plugins.js";

export interface LargeOrder {
  readonly ms: number;
  /** 0 for the small calls alone. */
  readonly largeMessageMib: number;
}

const host = createHost({ plugins: childPlugins(), limits: { messageBytes: 80 << 20 } });
await host.start();
const driver = host.client(DriverService, { plugin: "driver" });
const caller = host.client(DriverService, { plugin: "caller" });

await serveOrders(
  async ({ ms, largeMessageMib }: LargeOrder): Promise<CallLoad> => {
    const large =
      largeMessageMib === 0
        ? undefined
        : driver.driveWrite({ messageBytes: largeMessageMib << 20, milliseconds: ms });
    const load = await caller.driveEcho({ inFlight: 1, milliseconds: ms, bytes: ECHO_TEXT_BYTES });
    await large;
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
