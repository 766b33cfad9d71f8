import type { CallHandler, Connection, Link } from "@connect-plugin/protocol";
import { createInProcessConnection, createLane } from "@connect-plugin/rpc";
import { createMemoryPipe } from "./memory-pipe.js";

/** A way between a plugin under test and what stands in for its host. */
export interface TestLink {
  /** For the plugin. */
  readonly link: Link;
  /** To the plugin, as soon as it has taken its end of the link. */
  readonly plugin: Promise<Connection>;
}

/** @param host takes the plugin's calls */
export function createTestLink(kind: "direct" | "lane", host: CallHandler): TestLink {
  return kind === "lane" ? createLaneLink(host) : createDirectLink(host);
}

function createLaneLink(host: CallHandler): TestLink {
  const [ours, theirs] = createMemoryPipe();
  const connection = createLane(ours, { side: "host", handler: host });
  return { link: { kind: "pipe", pipe: theirs }, plugin: Promise.resolve(connection) };
}

function createDirectLink(host: CallHandler): TestLink {
  let give: (connection: Connection) => void = () => undefined;
  const plugin = new Promise<Connection>((resolve) => {
    give = resolve;
  });
  const connect = (handler: CallHandler): Connection => {
    const toHost = createInProcessConnection(host);
    const toPlugin = createInProcessConnection(handler);
    // One connection, seen from two sides: what ends one ends the other.
    void toHost.closed.then(({ failure }) => toPlugin.close(failure));
    void toPlugin.closed.then(({ failure }) => toHost.close(failure));
    give(toPlugin);
    return toHost;
  };
  return { link: { kind: "direct", connect }, plugin };
}
