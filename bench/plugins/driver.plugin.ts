import { definePlugin, provides, requires } from "@connect-plugin/plugin";
import { DriverService } from "../gen/bench/v1/driver_pb.js";
import { EchoService } from "../gen/bench/v1/echo_pb.js";
import { StoreService } from "../gen/bench/v1/store_pb.js";
import { createDriverService } from "../services/driver-service.js";

export default definePlugin({
  name: "bench-driver",
  version: "1.0.0",
  provides: { driver: provides(DriverService, "1.0.0") },
  requires: { echo: requires(EchoService, "^1.0.0"), store: requires(StoreService, "^1.0.0") },
  start: ({ services }) => ({ services: { driver: createDriverService(services) } }),
});
