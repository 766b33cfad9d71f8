import {
  type CallFailure,
  type CallHandler,
  type Connection,
  createFailure,
  type DirectLink,
} from "@connect-plugin/protocol";
import { createInProcessConnection } from "@connect-plugin/rpc";

/** The two ends of a plugin's way to the host where there is nothing between them. */
export interface DirectWay {
  readonly link: DirectLink;
  /** The host's end. Settles when the plugin has connected. */
  readonly connected: Promise<Connection>;
  /** Takes the way away, whether the plugin has connected or not. */
  close(failure: CallFailure): void;
}

export function createDirectWay(host: CallHandler): DirectWay {
  let state:
    | { readonly at: "open" }
    | { readonly at: "connected"; readonly connection: Connection }
    | { readonly at: "closed"; readonly failure: CallFailure } = { at: "open" };
  let settle: (connection: Connection) => void = () => {};
  const connected = new Promise<Connection>((resolve) => {
    settle = resolve;
  });

  const link: DirectLink = {
    kind: "direct",
    connect(calls) {
      const toHost = createInProcessConnection(host);
      if (state.at === "closed") {
        toHost.close(state.failure);
        return toHost;
      }
      if (state.at === "connected") throw new Error("a direct link connects once");
      const toPlugin = createInProcessConnection(calls);
      void toHost.closed.then(({ failure }) => toPlugin.close(failure));
      void toPlugin.closed.then(({ failure }) => toHost.close(failure));
      state = { at: "connected", connection: toPlugin };
      settle(toPlugin);
      return toHost;
    },
  };

  return {
    link,
    connected,
    close(failure) {
      if (state.at === "connected") state.connection.close(failure);
      else state = { at: "closed", failure };
    },
  };
}

/** The plugin, or who runs it, is done with the way. */
export function wayClosed(plugin: string, why: string): CallFailure {
  return createFailure("CONNECTION_CLOSED", `plugin "${plugin}" is not connected any more: ${why}`, {
    facts: { plugin },
  });
}
