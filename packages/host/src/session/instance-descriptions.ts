import { type CallChain, type Connection, PluginSessionService } from "@connect-plugin/protocol";
import { createServiceClient } from "@connect-plugin/rpc";
import { Code, ConnectError } from "@connectrpc/connect";
import { asHost } from "./as-host.js";

/** What running plugins say of their services, as serialized files of Protobuf. Each is asked once, when it matters. */
export interface InstanceDescriptions {
  /** An instance can be asked from now on, until its connection ends. */
  attach(instanceId: string, connection: Connection): void;
  /**
   * The files of an instance's services and their imports. Empty for an instance that is gone, or of an SDK that cannot
   * tell. Rejects with a ConnectError if it fails to answer; the next question asks it again.
   */
  of(instanceId: string): Promise<readonly Uint8Array[]>;
}

const PATIENCE_MS = 5_000;

/** @param host what plugins are told about who asks */
export function createInstanceDescriptions(host: CallChain): InstanceDescriptions {
  const connections = new Map<string, Connection>();
  const told = new Map<string, Promise<readonly Uint8Array[]>>();

  async function ask(connection: Connection): Promise<readonly Uint8Array[]> {
    try {
      const client = createServiceClient(PluginSessionService, asHost(connection, host));
      return (await client.describe({}, { timeoutMs: PATIENCE_MS })).fileDescriptorProto;
    } catch (error) {
      if (error instanceof ConnectError && error.code === Code.Unimplemented) return [];
      throw error;
    }
  }

  return {
    attach(instanceId, connection) {
      connections.set(instanceId, connection);
      void connection.closed.then(() => {
        connections.delete(instanceId);
        told.delete(instanceId);
      });
    },
    of(instanceId) {
      const known = told.get(instanceId);
      if (known !== undefined) return known;
      const connection = connections.get(instanceId);
      if (connection === undefined) return Promise.resolve([]);
      const asked = ask(connection);
      told.set(instanceId, asked);
      asked.catch(() => told.delete(instanceId));
      return asked;
    },
  };
}
