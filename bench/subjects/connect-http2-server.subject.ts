// The answering end of connect-http2: listens on the path given, says so, and ends with its standard input.
import { createServer } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { EchoService } from "../gen/bench/v1/echo_pb.js";
import { StoreService } from "../gen/bench/v1/store_pb.js";
import { echoService } from "../services/echo-service.js";
import { createStoreService } from "../services/store-service.js";

const path = process.argv[2];
if (path === undefined) throw new TypeError("wanted the path of a socket as the argument, found none");
const server = createServer(
  connectNodeAdapter({
    routes(router) {
      router.service(EchoService, echoService);
      router.service(StoreService, createStoreService());
    },
  }),
);
process.stdin.on("end", () => process.exit(0)).resume();
server.listen(path, () => process.stdout.write("listening\n"));
