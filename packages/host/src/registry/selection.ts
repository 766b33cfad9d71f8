import { type CallFailure, createFailure, printable, quoted, satisfies } from "@connect-plugin/protocol";
import type { ProvidersByPlugin } from "./provider-view.js";
import type { ProviderRecord } from "./record.js";

/** Which provider somebody wants. */
export interface ProviderQuery {
  /** Fully qualified Protobuf name. */
  readonly service: string;
  /** Semver range of the contract. Default: any version. */
  readonly range?: string;
  /** The plugin that is to answer. Default: the only one there is, or the operator's choice. */
  readonly target?: string;
  /** The operator's choice for this service where the caller names none. */
  readonly prefer?: string;
  /** The plugin that asks: unless it is the target, it does not count as a provider for itself. */
  readonly callerPlugin?: string;
}

/** The instances of one plugin among which calls are shared, or why there are none. */
export type Resolution =
  | { readonly kind: "plugin"; readonly plugin: string; readonly records: readonly ProviderRecord[] }
  | { readonly kind: "failure"; readonly failure: CallFailure };

/**
 * Finds the one plugin that is meant. Plugins that offer the same service are different things, so calls never move
 * from one to another by themselves: not because of health, and not because the preferred one is away.
 */
export function resolveProvider(
  query: ProviderQuery,
  providers: ProvidersByPlugin,
  knowsPlugin: (name: string) => boolean,
): Resolution {
  const chosen = query.target ?? preferredPlugin(query);
  if (chosen !== undefined) {
    const records = providers.get(chosen);
    return records === undefined
      ? failed(chosenIsMissing(query, chosen, providers, knowsPlugin))
      : ofPlugin(query, chosen, records);
  }
  const others = [...providers].filter(([plugin]) => plugin !== query.callerPlugin);
  const fitting = others.filter(([, records]) => records.some((record) => isInRange(record, query.range)));
  const [only, second] = fitting;
  if (only === undefined) {
    return failed(
      others.length === 0
        ? nobodyProvides(query, providers)
        : versionIsMissing(
            query,
            others.flatMap(([, records]) => records),
          ),
    );
  }
  if (second !== undefined)
    return failed(
      ambiguous(
        query,
        fitting.map(([plugin]) => plugin),
      ),
    );
  return ofPlugin(query, ...only);
}

/** Whether a record's version lies in a range; without a range, each does. */
export function isInRange({ version }: ProviderRecord, range: string | undefined): boolean {
  // One by one: several alternatives may together be longer than a range may be.
  return (
    range === undefined || range.split("||").some((alternative) => satisfies(version, alternative.trim()))
  );
}

/** A plugin that stands in front of others of its kind must not be sent to itself. */
function preferredPlugin({ prefer, callerPlugin }: ProviderQuery): string | undefined {
  return prefer === callerPlugin ? undefined : prefer;
}

function ofPlugin(query: ProviderQuery, plugin: string, records: readonly ProviderRecord[]): Resolution {
  const fitting = records.filter((record) => isInRange(record, query.range));
  if (fitting.length === 0) return failed(versionIsMissing(query, records));
  const healthy = fitting.filter((record) => record.health !== "unhealthy");
  return healthy.length === 0
    ? failed(unhealthy(query, plugin))
    : { kind: "plugin", plugin, records: healthy };
}

/** Whoever may call everything may ask for anything, so a name that nobody provides may hold anything. */
function nameOf({ service }: ProviderQuery): string {
  return printable(service);
}

function failed(failure: CallFailure): Resolution {
  return { kind: "failure", failure };
}

function chosenIsMissing(
  query: ProviderQuery,
  chosen: string,
  providers: ProvidersByPlugin,
  knowsPlugin: (name: string) => boolean,
): CallFailure {
  const service = nameOf(query);
  const facts = { service, plugin: printable(chosen), providers: [...providers.keys()].join(", ") };
  const there =
    providers.size === 0 ? "nobody else provides it either" : `it is provided by ${facts.providers}`;
  if (query.target !== undefined && !knowsPlugin(chosen)) {
    return createFailure(
      "UNKNOWN_PLUGIN",
      `there is no plugin ${quoted(chosen)} to call ${service} of; ${there}`,
      {
        facts,
      },
    );
  }
  const chosenBy =
    query.target === undefined
      ? `, which the operator prefers for ${service}, does not provide it`
      : ` does not provide ${service}`;
  return createFailure("NO_PROVIDER", `plugin ${quoted(chosen)}${chosenBy} now; ${there}`, { facts });
}

function nobodyProvides(query: ProviderQuery, providers: ProvidersByPlugin): CallFailure {
  const service = nameOf(query);
  const found =
    providers.size === 0
      ? `no running plugin provides ${service}`
      : `nobody but the caller, plugin "${query.callerPlugin}", provides ${service}`;
  return createFailure("NO_PROVIDER", `${found}; add a plugin that does, or see why it is not running`, {
    facts: { service },
  });
}

function versionIsMissing(
  { service, range }: ProviderQuery,
  records: readonly ProviderRecord[],
): CallFailure {
  const there = [...new Set(records.map((record) => `${record.version} (plugin "${record.plugin}")`))].join(
    ", ",
  );
  return createFailure(
    "VERSION_NOT_PROVIDED",
    `${service} is wanted in version ${quoted(range ?? "")}, but there is only ${there}`,
    { facts: { service, range: range ?? "", found: there } },
  );
}

function ambiguous({ service }: ProviderQuery, plugins: readonly string[]): CallFailure {
  const candidates = plugins.join(", ");
  return createFailure(
    "AMBIGUOUS_PROVIDER",
    `${service} is provided by several plugins: ${candidates}; choose one with "prefer" in the host's configuration, or name the plugin in the call`,
    { facts: { service, candidates } },
  );
}

function unhealthy({ service }: ProviderQuery, plugin: string): CallFailure {
  return createFailure(
    "PROVIDER_UNHEALTHY",
    `plugin "${plugin}" provides ${service} but says that it is unhealthy, so it gets no calls until it has recovered; see its status for why`,
    { facts: { service, plugin } },
  );
}
