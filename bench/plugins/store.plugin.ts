import { definePlugin, provides } from "@connect-plugin/plugin";
import { StoreService } from "../gen/bench/v1/store_pb.js";
import { createStoreService } from "../services/store-service.js";

export default definePlugin({
  name: "bench-store",
  version: "1.0.0",
  provides: { store: provides(StoreService, "1.0.0") },
  start: () => ({ services: { store: createStoreService() } }),
});
