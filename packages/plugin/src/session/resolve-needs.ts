import type { DescService } from "@bufbuild/protobuf";
import {
  type CallHandler,
  type CapabilityBroker,
  type CapabilityGrant,
  createFailure,
  type HostSessionService,
  type RequiredService,
} from "@connect-plugin/protocol";
import {
  createServiceClient,
  type ServiceClient,
  type ServiceClientOptions,
  toConnectError,
} from "@connect-plugin/rpc";
import type { OptionalService, Provider, Providers } from "../define/plugin-context.js";
import { createGrantLease } from "./grant-lease.js";
import { createGrantedCalls } from "./granted-calls.js";
import { inflate } from "./inflate.js";
import type { PluginSource } from "./plugin-source.js";
import { createProviderWatch, type ProviderWatch } from "./provider-watch.js";

/** What `ctx.services` is made with. */
export interface NeedsOptions {
  readonly source: PluginSource;
  /** Takes the calls that the plugin makes. */
  readonly host: CallHandler;
  readonly session: ServiceClient<typeof HostSessionService>;
  readonly broker: ServiceClient<typeof CapabilityBroker>;
  readonly parent: NonNullable<ServiceClientOptions["parent"]>;
  /** Largest response, in bytes; undefined for the default. */
  readonly maxMessageBytes?: number | undefined;
  /** Ends all watches. */
  readonly signal: AbortSignal;
  readonly onWatchLost: (service: string, error: unknown) => void;
}

export interface ResolvedServices {
  /** By key: `ctx.services`. */
  readonly services: Readonly<Record<string, unknown>>;
  /**
   * Settles when what the plugin will read without waiting is known: who provides what, and that each capability is
   * granted. Rejects with a ConnectError if one is not.
   */
  ready(): Promise<void>;
}

/** Turns what a plugin declared under `requires` into what its code calls. */
export function resolveNeeds(options: NeedsOptions): ResolvedServices {
  const { source, host, parent, maxMessageBytes } = options;
  const clientOptions = { parent, inflate, maxMessageBytes };
  const services: Record<string, unknown> = {};
  const waits: (() => Promise<unknown>)[] = [];

  for (const need of source.manifest.requires) {
    const desc = source.requires[need.key]?.desc;
    if (desc === undefined) continue;
    switch (need.arity) {
      case "one":
        services[need.key] = createServiceClient(desc, host, clientOptions);
        break;
      case "optional": {
        const watch = watchNeed(need, options);
        waits.push(() => watch.ready);
        services[need.key] = createOptional(createServiceClient(desc, host, clientOptions), watch);
        break;
      }
      case "each": {
        const watch = watchNeed(need, options);
        waits.push(() => watch.ready);
        const target = (plugin: string) =>
          createServiceClient(desc, host, { ...clientOptions, target: plugin });
        services[need.key] = createProviders(target, watch);
        break;
      }
      case "capability": {
        const lease = createGrantLease(() => requestGrant(options.broker, need));
        waits.push(async () => lease.current());
        services[need.key] = createServiceClient(desc, createGrantedCalls(host, lease), clientOptions);
        break;
      }
    }
  }
  return {
    services,
    async ready() {
      await Promise.all(waits.map((wait) => wait()));
    },
  };
}

function watchNeed(need: RequiredService, { session, signal, onWatchLost }: NeedsOptions): ProviderWatch {
  const { service, range } = need;
  return createProviderWatch({
    service,
    range,
    host: session,
    signal,
    onLost: (error) => onWatchLost(service, error),
  });
}

function createOptional<S extends DescService>(
  client: ServiceClient<S>,
  watch: ProviderWatch,
): OptionalService<S> {
  const isAvailable = () => watch.available.length > 0;
  return {
    client,
    get available() {
      return isAvailable();
    },
    changes: (signal) => watch.changes.read(isAvailable, signal),
  };
}

function createProviders<S extends DescService>(
  target: (plugin: string) => ServiceClient<S>,
  watch: ProviderWatch,
): Providers<S> {
  const clients = new Map<string, ServiceClient<S>>();
  function clientOf(plugin: string): ServiceClient<S> {
    let client = clients.get(plugin);
    if (client === undefined) {
      client = target(plugin);
      clients.set(plugin, client);
    }
    return client;
  }
  return {
    *[Symbol.iterator](): Iterator<Provider<S>> {
      for (const { plugin, version } of watch.available) yield { plugin, version, client: clientOf(plugin) };
    },
    get: (plugin) =>
      watch.available.some((provider) => provider.plugin === plugin) ? clientOf(plugin) : undefined,
    changes: (signal) => watch.changes.read(() => undefined, signal),
  };
}

/** Asks for a grant of all that a need names. */
export async function requestGrant(
  broker: ServiceClient<typeof CapabilityBroker>,
  need: Pick<RequiredService, "service" | "range" | "methods">,
): Promise<CapabilityGrant> {
  const { grant } = await broker.requestCapability({
    capabilityType: need.service,
    range: need.range,
    methods: [...need.methods],
  });
  if (grant !== undefined && grant.grantId !== "") return grant;
  throw toConnectError(
    createFailure("GRANT_INVALID", `The host granted ${need.service} without a grant id.`, { fault: "host" }),
  );
}
