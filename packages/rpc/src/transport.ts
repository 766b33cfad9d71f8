import type { CallHandler } from "@connect-plugin/protocol";
import type { Transport } from "@connectrpc/connect";
import type { ServiceClientOptions } from "./service-client.js";

export type ConnectionTransportOptions = ServiceClientOptions;

/** connect-es's `Transport` over a connection, for code that wants one. */
export function createConnectionTransport(
  _calls: CallHandler,
  _options: ConnectionTransportOptions = {},
): Transport {
  throw new Error("being written");
}
