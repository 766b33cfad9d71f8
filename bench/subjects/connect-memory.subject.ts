// connect-es without a wire: its in-memory transport.
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { EchoService } from "../gen/bench/v1/echo_pb.js";
import { makeCallLoad } from "../harness/call-load.js";
import { serveOrders } from "../harness/serve-orders.js";
import { createEchoCall, type EchoOrder, echoService } from "../services/echo-service.js";

const transport = createRouterTransport((router) => {
  router.service(EchoService, echoService);
});
const client = createClient(EchoService, transport);

await serveOrders(
  async (order: EchoOrder) => await makeCallLoad(createEchoCall(client, order.bytes), order),
  async () => {},
);
