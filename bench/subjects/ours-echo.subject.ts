// connect-plugin: this process is the host and calls; the plugin answers, at the distance that the argument names.
import { childProcess, createHost, inProcess, worker } from "@connect-plugin/host";
import { EchoService } from "../gen/bench/v1/echo_pb.js";
import { makeCallLoad } from "../harness/call-load.js";
import { serveOrders } from "../harness/serve-orders.js";
import { createEchoCall, type EchoOrder } from "../services/echo-service.js";

const entry = new URL("../plugins/echo.plugin.js", import.meta.url);
const host = createHost({ plugins: { echo: { launch: chooseLauncher(process.argv[2]) } } });
await host.start();
const client = host.client(EchoService, { plugin: "echo" });

await serveOrders(
  async (order: EchoOrder) => await makeCallLoad(createEchoCall(client, order.bytes), order),
  async () => {
    await host.stop();
  },
);

function chooseLauncher(distance: string | undefined) {
  switch (distance) {
    case "child-process":
      return childProcess({ entry });
    case "worker":
      return worker({ entry });
    case "in-process":
      return inProcess(() => import("../plugins/echo.plugin.js"));
    default:
      throw new TypeError(`wanted child-process, worker or in-process as the argument, found ${distance}`);
  }
}
