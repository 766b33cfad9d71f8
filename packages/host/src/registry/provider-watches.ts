import {
  type CallFailure,
  type CallHandler,
  compareVersions,
  createFailure,
  HealthState,
  HostSessionService,
  isRange,
  quoted,
  type RequiredService,
  type WatchProvidersRequest,
} from "@connect-plugin/protocol";
import {
  createServiceEnd,
  type Implementation,
  type ServiceEndOptions,
  toConnectError,
} from "@connect-plugin/rpc";
import type { Authorize } from "../auth/decision.js";
import type { Principal } from "../auth/principal.js";
import type { ProviderList } from "./provider-watch.js";
import type { Cursor, ProviderRecord } from "./record.js";
import type { Registry, WatchOptions } from "./registry.js";

/** `connectplugin.session.v1.HostSessionService`: tells plugins who provides what they require. */
export interface ProviderWatches {
  /** @param requires what the principal's manifest requires; it is told of nothing else. Default: of everything */
  serviceFor(principal: Principal, requires?: readonly RequiredService[]): CallHandler;
  /** Watches that go on. */
  readonly size: number;
}

export interface ProviderWatchesOptions extends Pick<ServiceEndOptions, "inflate"> {
  readonly registry: Registry;
  /** Default: all may watch what they require. */
  readonly authorize?: Authorize;
  readonly limits?: Partial<ProviderWatchLimits>;
}

export interface ProviderWatchLimits {
  /** Watches of one plugin at once; as many as it has requirements are always allowed. Default 10. */
  readonly perPlugin: number;
  /** Watches of one service at once. Default 100. */
  readonly perService: number;
}

const healthOnWire = {
  healthy: HealthState.HEALTHY,
  degraded: HealthState.DEGRADED,
  unhealthy: HealthState.UNHEALTHY,
} as const satisfies Record<ProviderRecord["health"], HealthState>;

export function createProviderWatches(options: ProviderWatchesOptions): ProviderWatches {
  const { registry, authorize } = options;
  const limits: ProviderWatchLimits = { perPlugin: 10, perService: 100, ...options.limits };
  const byPlugin = new Map<string, number>();
  const byService = new Map<string, number>();
  let size = 0;

  function count(principal: Principal, service: string, change: 1 | -1): void {
    add(byPlugin, principal.name, change);
    add(byService, service, change);
    size += change;
  }

  function refusal(
    principal: Principal,
    requires: readonly RequiredService[] | undefined,
    { service, range }: WatchProvidersRequest,
  ): CallFailure | undefined {
    if (requires !== undefined && !requires.some((need) => need.service === service)) {
      return notRequired(principal, service);
    }
    if (range !== "" && !isRange(range)) return badRange(range);
    const decision = authorize?.(principal, { kind: "watch", service });
    if (decision?.allow === false) return decision.failure;
    const perPlugin = Math.max(limits.perPlugin, requires?.length ?? 0);
    if ((byPlugin.get(principal.name) ?? 0) >= perPlugin) {
      return tooMany(`plugin "${principal.name}" has ${perPlugin} watches`);
    }
    if ((byService.get(service) ?? 0) < limits.perService) return undefined;
    return tooMany(`${service} is watched ${limits.perService} times`);
  }

  function tell(
    principal: Principal,
    filter: WatchOptions & { readonly service: string },
    list: ProviderList,
  ) {
    return {
      cursor: { epoch: list.cursor.epoch, revision: BigInt(list.cursor.revision) },
      snapshot: list.snapshot,
      providers: [...groupByPlugin(list.providers)]
        .filter(([plugin]) => principal.kind !== "plugin" || plugin !== principal.name)
        .map(([plugin, records]) => {
          const { service, range } = filter;
          const query = { service, target: plugin, ...(range === undefined ? {} : { range }) };
          const available = registry.obstacle(query) === undefined;
          return { plugin, version: newest(records), available, health: healthOnWire[best(records)] };
        }),
    };
  }

  async function* watch(
    principal: Principal,
    requires: readonly RequiredService[] | undefined,
    request: WatchProvidersRequest,
    signal: AbortSignal,
  ) {
    const failure = refusal(principal, requires, request);
    if (failure !== undefined) throw toConnectError(failure);
    const { service, range, from } = request;
    const filter = {
      service,
      signal,
      ...(range === "" ? {} : { range }),
      ...(from === undefined ? {} : { from: readCursor(from) }),
    };
    count(principal, service, 1);
    try {
      for await (const list of registry.watch(filter)) yield tell(principal, filter, list);
    } finally {
      count(principal, service, -1);
    }
  }

  return {
    serviceFor(principal, requires) {
      const implementation: Implementation<typeof HostSessionService> = {
        watchProviders: (request, call) => watch(principal, requires, request, call.signal),
      };
      return createServiceEnd({
        inflate: options.inflate,
        services: [{ desc: HostSessionService, implementation }],
      });
    },
    get size() {
      return size;
    },
  };
}

function add(counts: Map<string, number>, key: string, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}

function readCursor({ epoch, revision }: { readonly epoch: string; readonly revision: bigint }): Cursor {
  return { epoch, revision: Number(revision) };
}

function groupByPlugin(records: readonly ProviderRecord[]): ReadonlyMap<string, readonly ProviderRecord[]> {
  const groups = new Map<string, ProviderRecord[]>();
  for (const record of records) {
    const group = groups.get(record.plugin);
    if (group === undefined) groups.set(record.plugin, [record]);
    else group.push(record);
  }
  return groups;
}

function newest(records: readonly ProviderRecord[]): string {
  return records.map(({ version }) => version).reduce((a, b) => (compareVersions(b, a) > 0 ? b : a));
}

/** A plugin is as well as the instance of it that is best: that is where calls go. */
function best(records: readonly ProviderRecord[]): ProviderRecord["health"] {
  const states = new Set(records.map(({ health }) => health));
  return states.has("healthy") ? "healthy" : states.has("degraded") ? "degraded" : "unhealthy";
}

function notRequired(principal: Principal, service: string): CallFailure {
  return createFailure(
    "NOT_REQUIRED",
    `plugin "${principal.name}" watches ${quoted(service)}, which its manifest does not require; add it to "requires"`,
    { facts: { caller: principal.name, service } },
  );
}

function badRange(range: string): CallFailure {
  return createFailure(
    "MESSAGE_INVALID",
    `range: wanted a range of versions such as ^1.0.0, got ${quoted(range)}`,
  );
}

function tooMany(found: string): CallFailure {
  return createFailure("TOO_MANY_CALLS", `${found} already, which is as many as may be; end one first`);
}
