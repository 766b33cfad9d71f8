import { definePlugin, provides } from "@connect-plugin/plugin";
import { EchoService } from "../gen/bench/v1/echo_pb.js";
import { echoService } from "../services/echo-service.js";

export default definePlugin({
  name: "bench-echo",
  version: "1.0.0",
  provides: { echo: provides(EchoService, "1.0.0") },
  start: () => ({ services: { echo: echoService } }),
});
