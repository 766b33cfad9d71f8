// connect-es over HTTP/2 on a unix socket: this process calls, another one answers.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { EchoService } from "../gen/bench/v1/echo_pb.js";
import { StoreService } from "../gen/bench/v1/store_pb.js";
import { nodeSubject } from "../harness/benchmark.js";
import { makeCallLoad } from "../harness/call-load.js";
import { serveOrders } from "../harness/serve-orders.js";
import { createStreamLoad } from "../harness/stream-load.js";
import { createEchoCall, type EchoOrder } from "../services/echo-service.js";
import { readSmallMessages, type StreamOrder } from "../services/store-service.js";

const directory = mkdtempSync(join(tmpdir(), "bench-"));
const path = join(directory, "server.sock");
const server = await startServer(path);
const transport = createConnectTransport({
  httpVersion: "2",
  baseUrl: "http://localhost",
  nodeOptions: { createConnection: () => connect(path) },
});
const echo = createClient(EchoService, transport);
const loadStream = createStreamLoad(readSmallMessages(createClient(StoreService, transport)));

await serveOrders(
  async (order: EchoOrder | StreamOrder) =>
    "inFlight" in order
      ? await makeCallLoad(createEchoCall(echo, order.bytes), order)
      : await loadStream(order.ms),
  async () => {
    server.kill();
    await once(server, "exit");
    rmSync(directory, { recursive: true, force: true });
  },
);

async function startServer(socket: string): Promise<ChildProcess> {
  const { command, args } = nodeSubject("connect-http2-server", [socket]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}
