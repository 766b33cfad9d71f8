import type { DescService } from "@bufbuild/protobuf";
import { describeValue, isRange } from "@connect-plugin/protocol";
import type { ServiceClient } from "@connect-plugin/rpc";
import type { ProviderRecord } from "../registry/record.js";
import type { Registry } from "../registry/registry.js";

/** All plugins that provide a service now, each with a client of its own. What it lists changes as they come and go. */
export interface Providers<S extends DescService> extends Iterable<Provider<S>> {
  /** The client of one plugin, if it provides the service now. */
  get(plugin: string): ServiceClient<S> | undefined;
  /**
   * Goes round whenever the list has changed since this was called, until the signal is aborted. Changes that come
   * together count as one.
   */
  changes(signal?: AbortSignal): AsyncIterable<void>;
}

export interface Provider<S extends DescService> {
  readonly plugin: string;
  /** Semver of the contract. */
  readonly version: string;
  readonly client: ServiceClient<S>;
}

export interface ProvidersOptions<S extends DescService> {
  readonly desc: S;
  /** Semver range of the contract; undefined for any. */
  readonly range: string | undefined;
  readonly registry: Registry;
  readonly clientOf: (plugin: string) => ServiceClient<S>;
}

/** @throws TypeError for a range that is none */
export function createProviders<S extends DescService>(options: ProvidersOptions<S>): Providers<S> {
  const { desc, range, registry } = options;
  if (range !== undefined && !isRange(range)) {
    throw new TypeError(`each: range must be a semver range such as ^1.2.0, but is ${describeValue(range)}`);
  }
  const clients = new Map<string, ServiceClient<S>>();

  function clientOf(plugin: string): ServiceClient<S> {
    const known = clients.get(plugin);
    if (known !== undefined) return known;
    const client = options.clientOf(plugin);
    clients.set(plugin, client);
    return client;
  }

  /** One record of each plugin that can be called. */
  function available(): ReadonlyMap<string, ProviderRecord> {
    const found = new Map<string, ProviderRecord>();
    for (const record of registry.providers(desc.typeName)) {
      if (found.has(record.plugin)) continue;
      const query = {
        service: desc.typeName,
        target: record.plugin,
        ...(range === undefined ? {} : { range }),
      };
      if (registry.obstacle(query) === undefined) found.set(record.plugin, record);
    }
    return found;
  }

  return {
    *[Symbol.iterator]() {
      for (const { plugin, version } of available().values()) {
        yield { plugin, version, client: clientOf(plugin) };
      }
    },
    get: (plugin) => (available().has(plugin) ? clientOf(plugin) : undefined),
    changes: (signal) =>
      withoutValues(
        registry.watch({
          service: desc.typeName,
          from: registry.cursor,
          ...(range === undefined ? {} : { range }),
          ...(signal === undefined ? {} : { signal }),
        }),
      ),
  };
}

async function* withoutValues(lists: AsyncIterable<unknown>): AsyncGenerator<void> {
  for await (const _list of lists) yield;
}
