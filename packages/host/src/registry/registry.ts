import { randomBytes } from "node:crypto";
import { type CallFailure, type Connection, createFailure } from "@connect-plugin/protocol";
import type { Emit } from "../event.js";
import { InstanceUse } from "./instance-use.js";
import { createProviderView } from "./provider-view.js";
import { type ProviderList, ProviderWatch } from "./provider-watch.js";
import type { Cursor, ProviderRecord, RegistryEntry } from "./record.js";
import { createRegistryLog, type EntriesSince, type LoggedEntry } from "./registry-log.js";
import { isInRange, type ProviderQuery } from "./selection.js";
import { createSelectors, type Selection, type Selector } from "./selector.js";
import type { Strategy } from "./strategy.js";

/** Who provides what: an ordered log, and the view that is its sum. */
export interface Registry {
  /** Where the log stands. */
  readonly cursor: Cursor;
  /** Makes an instance reachable. Its end is seen from here on, and takes its providers out of the view. */
  attach(instanceId: string, connection: Connection): void;
  /**
   * Takes an entry in, wholly or not at all, before it returns. What would change nothing is no entry: the cursor
   * stays.
   */
  append(entry: RegistryEntry): Appended;
  /** Ordered by plugin. */
  providers(service: string): readonly ProviderRecord[];
  snapshot(): RegistrySnapshot;
  entriesSince(cursor: Cursor): EntriesSince<LoggedEntry>;
  /**
   * Complete lists of providers: the first at once (or, with `from`, as soon as something has changed since), then
   * one after every change. Who reads slowly gets several changes as one list, marked as a snapshot; who resumes from
   * a cursor that is too old, too. Ends when the signal is aborted.
   */
  watch(options?: WatchOptions): AsyncIterable<ProviderList>;
  /** A way of choosing that is worked out once and used often. */
  selector(query: ProviderQuery): Selector;
  /** Chooses a provider and counts its use, in one step. */
  pick(query: ProviderQuery): Selection;
  /** Why a pick would fail now; undefined if it would not. */
  obstacle(query: ProviderQuery): CallFailure | undefined;
  /** Calls that use an instance now. */
  inFlight(instanceId: string): number;
  /** Settles when no call uses the instance. */
  drained(instanceId: string): Promise<void>;
  /** Watches that have not ended. */
  readonly watches: number;
}

export type Appended =
  | { readonly kind: "appended"; readonly cursor: Cursor }
  | { readonly kind: "refused"; readonly failure: CallFailure };

export interface RegistrySnapshot {
  readonly cursor: Cursor;
  /** Ordered by service and plugin. */
  readonly records: readonly ProviderRecord[];
}

export interface WatchOptions {
  /** Default: all services. */
  readonly service?: string;
  /** Semver range of the contract. Default: any version. */
  readonly range?: string;
  /** Where an earlier watch ended. */
  readonly from?: Cursor;
  readonly signal?: AbortSignal;
}

export interface RegistryOptions {
  readonly emit: Emit;
  /** Entries that are kept for those who resume. Default 10,000. */
  readonly ringSize?: number;
  /** How calls are shared among the instances of a plugin. Default: round-robin for all. */
  readonly strategyOf?: (plugin: string) => Strategy;
  /** Whether the operator's spec has such a plugin, be it running or not. Default: if it provides something now. */
  readonly knowsPlugin?: (name: string) => boolean;
  /** From 0 to below 1. Default `Math.random`: it chooses between equals, no secrets. */
  readonly random?: () => number;
  /** Names this life of the log. Default: random. */
  readonly epoch?: string;
}

export function createRegistry(options: RegistryOptions): Registry {
  const { emit } = options;
  const ringSize = options.ringSize ?? 10_000;
  if (!Number.isInteger(ringSize) || ringSize < 1) {
    throw new RangeError(`ringSize: wanted a whole number from 1, got ${ringSize}`);
  }
  const log = createRegistryLog(options.epoch ?? randomBytes(8).toString("hex"), ringSize);
  const view = createProviderView();
  const uses = new Map<string, InstanceUse>();
  const watches = new Map<ProviderWatch, WatchOptions>();
  const selector = createSelectors({
    view,
    uses,
    revision: () => log.cursor.revision,
    strategyOf: options.strategyOf ?? (() => "round-robin"),
    knowsPlugin: options.knowsPlugin ?? ((name) => view.all().some((record) => record.plugin === name)),
    random: options.random ?? Math.random,
  });

  function refusal(
    records: readonly ProviderRecord[],
    replaced: string | undefined,
  ): CallFailure | undefined {
    const seen = new Set<string>();
    for (const record of records) {
      if (uses.get(record.instanceId)?.open !== true) return notConnected(record);
      const isNew = record.instanceId === replaced || !isRegistered(record);
      const key = `${record.instanceId}/${record.service}`;
      if (!isNew || seen.has(key)) return registeredTwice(record);
      seen.add(key);
    }
    return undefined;
  }

  function isRegistered({ instanceId, service }: ProviderRecord): boolean {
    return view.ofInstance(instanceId).some((known) => known.service === service);
  }

  function take(entry: RegistryEntry): Appended {
    const gone = goneBy(entry);
    const affected = view.apply(entry);
    const cursor = log.append(entry, affected);
    for (const [watch, filter] of [...watches]) if (concerns(filter, affected)) watch.changed();
    const reason = entry.type === "unregistered" ? entry.reason : "replaced";
    for (const { plugin, service } of gone) emit({ type: "service.unregistered", plugin, service, reason });
    const added = entry.type === "registered" || entry.type === "switched" ? entry.records : [];
    for (const { plugin, service, version } of added)
      emit({ type: "service.registered", plugin, service, version });
    return { kind: "appended", cursor };
  }

  function goneBy(entry: RegistryEntry): readonly ProviderRecord[] {
    if (entry.type === "unregistered") return view.ofInstance(entry.instanceId);
    return entry.type === "switched" ? view.ofInstance(entry.old) : [];
  }

  function missedSince(options: WatchOptions): number {
    if (options.from === undefined) return 1;
    const since = log.since(options.from);
    if (since.kind === "too-old") return Number.POSITIVE_INFINITY;
    return since.entries.filter(({ affected }) => concerns(options, affected)).length;
  }

  function list({ service, range }: WatchOptions): readonly ProviderRecord[] {
    const records = service === undefined ? view.all() : [...view.ofService(service).values()].flat();
    return records.filter((record) => isInRange(record, range));
  }

  function forgetUnused(use: InstanceUse): void {
    if (uses.get(use.instanceId) === use && !use.open && use.inFlight === 0) uses.delete(use.instanceId);
  }

  const registry: Registry = {
    get cursor() {
      return log.cursor;
    },
    attach(instanceId, connection) {
      if (uses.has(instanceId))
        throw new TypeError(
          `instance ${instanceId} is attached already: each connection is an instance of its own`,
        );
      const use = new InstanceUse(instanceId, connection, forgetUnused);
      uses.set(instanceId, use);
      void connection.closed.then(({ failure }) => {
        use.open = false;
        registry.append({ type: "unregistered", instanceId, reason: failure.message });
        forgetUnused(use);
      });
    },
    append(entry) {
      checkEntry(entry);
      switch (entry.type) {
        case "registered":
        case "switched": {
          const failure = refusal(entry.records, entry.type === "switched" ? entry.old : undefined);
          if (failure !== undefined) return { kind: "refused", failure };
          return entry.records.length + goneBy(entry).length === 0 ? unchanged() : take(entry);
        }
        case "unregistered":
          return view.ofInstance(entry.instanceId).length === 0 ? unchanged() : take(entry);
        case "health": {
          const changes = view.ofInstance(entry.instanceId).some((record) => record.health !== entry.health);
          return changes ? take(entry) : unchanged();
        }
      }
    },
    providers: (service) => list({ service }),
    snapshot: () => ({ cursor: log.cursor, records: view.all() }),
    entriesSince: (cursor) => log.since(cursor),
    watch(filter = {}) {
      return {
        [Symbol.asyncIterator]() {
          const watch = new ProviderWatch({
            missed: missedSince(filter),
            list: (snapshot) => ({ cursor: log.cursor, snapshot, providers: list(filter) }),
            onEnd: (ended) => watches.delete(ended),
            signal: filter.signal,
          });
          if (!filter.signal?.aborted) watches.set(watch, filter);
          return watch;
        },
      };
    },
    selector,
    pick: (query) => selector(query).pick(),
    obstacle: (query) => selector(query).obstacle(),
    inFlight: (instanceId) => uses.get(instanceId)?.inFlight ?? 0,
    drained: (instanceId) => uses.get(instanceId)?.drained() ?? Promise.resolve(),
    get watches() {
      return watches.size;
    },
  };

  function unchanged(): Appended {
    return { kind: "appended", cursor: log.cursor };
  }

  return registry;
}

/** Entries are written by the host's own rooms: one that contradicts itself is a mistake of ours. */
function checkEntry(entry: RegistryEntry): void {
  if (
    entry.type === "registered" &&
    entry.records.some(({ instanceId }) => instanceId !== entry.instanceId)
  ) {
    throw new TypeError(`records: wanted only those of instance ${entry.instanceId}`);
  }
  if (entry.type === "switched" && entry.records.some(({ plugin }) => plugin !== entry.plugin)) {
    throw new TypeError(`records: wanted only those of plugin "${entry.plugin}"`);
  }
}

function concerns({ service, range }: WatchOptions, affected: readonly ProviderRecord[]): boolean {
  return affected.some(
    (record) => (service === undefined || record.service === service) && isInRange(record, range),
  );
}

function notConnected({ plugin, instanceId, service }: ProviderRecord): CallFailure {
  return createFailure(
    "PROVIDER_GONE",
    `${service} of plugin "${plugin}" cannot be registered: the connection of its instance has ended`,
    { facts: { plugin, instanceId, service } },
  );
}

function registeredTwice({ plugin, instanceId, service }: ProviderRecord): CallFailure {
  return createFailure(
    "SERVICE_REGISTERED_TWICE",
    `plugin "${plugin}" registers ${service} twice: an instance offers a service once, under one key and in one version`,
    { facts: { plugin, instanceId, service } },
  );
}
