import {
  type CallHandler,
  CapabilityBroker,
  HostSessionService,
  Logger,
  PluginLifecycle,
} from "@connect-plugin/protocol";
import { createServiceClient, type ServiceClient } from "@connect-plugin/rpc";
import { createGrantLease } from "./grant-lease.js";
import { createGrantedCalls } from "./granted-calls.js";
import { inflate } from "./inflate.js";
import type { LogLine } from "./log-line.js";
import { createPluginLogger, type PluginLogger } from "./plugin-logger.js";
import { requestGrant } from "./resolve-needs.js";

/** A host answers these at once or not at all. */
const TIMEOUT_MS = 10_000;

/** What the SDK itself calls at the host. */
export interface HostServices {
  readonly session: ServiceClient<typeof HostSessionService>;
  readonly broker: ServiceClient<typeof CapabilityBroker>;
  readonly lifecycle: ServiceClient<typeof PluginLifecycle>;
  readonly logger: PluginLogger;
}

/** @param spill takes log lines that the host does not */
export function createHostServices(host: CallHandler, spill: (line: LogLine) => void): HostServices {
  const options = { defaultTimeoutMs: TIMEOUT_MS, inflate };
  const broker = createServiceClient(CapabilityBroker, host, options);
  return {
    session: createServiceClient(HostSessionService, host, { inflate }),
    broker,
    lifecycle: createServiceClient(PluginLifecycle, host, options),
    logger: createPluginLogger({ send: createLogSender(host, broker), spill }),
  };
}

/** The logger is the one capability that every plugin is lent without asking for it in its manifest. */
function createLogSender(
  host: CallHandler,
  broker: ServiceClient<typeof CapabilityBroker>,
): (line: LogLine) => Promise<unknown> {
  const need = { service: Logger.typeName, range: "*", methods: [] };
  const lease = createGrantLease(() => requestGrant(broker, need));
  const client = createServiceClient(Logger, createGrantedCalls(host, lease), {
    defaultTimeoutMs: TIMEOUT_MS,
  });
  return ({ level, message, fields }) => client.log({ level, message, fields });
}
