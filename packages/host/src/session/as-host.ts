import type { CallChain, CallHandler, Connection } from "@connect-plugin/protocol";

/** Stamps calls as the host's own. */
export function asHost(connection: Connection, chain: CallChain): CallHandler {
  return { start: (head, responses) => connection.start({ ...head, chain }, responses) };
}
