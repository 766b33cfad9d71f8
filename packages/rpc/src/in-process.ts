import type { CallHandler, Connection } from "@connect-plugin/protocol";

/** A connection to a handler in this process. It adds only a lifetime. */
export function createInProcessConnection(_handler: CallHandler): Connection {
  throw new Error("being written");
}
