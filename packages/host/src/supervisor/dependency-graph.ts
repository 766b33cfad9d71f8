import {
  type CallFailure,
  createFailure,
  type Manifest,
  type RequiredService,
  satisfies,
} from "@connect-plugin/protocol";

/** Who needs whom to start, from what plugins say of themselves and what the operator prefers. */
export interface DependencyGraph {
  /** What must be ready before the plugin starts. A need that nobody can meet carries why. */
  needsOf(plugin: string): readonly Dependency[];
  /** The circle of plugins, each needing the next, that this plugin is part of. */
  cycleOf(plugin: string): CallFailure | undefined;
  /** Plugins that need this one to start. */
  dependantsOf(plugin: string): readonly string[];
}

export type Dependency =
  | { readonly kind: "provider"; readonly need: RequiredService; readonly plugin: string }
  | { readonly kind: "hopeless"; readonly need: RequiredService; readonly failure: CallFailure };

export interface DependencyGraphInput {
  /** What each plugin of the spec said of itself; undefined where it never said anything. */
  readonly manifests: ReadonlyMap<string, Manifest | undefined>;
  /** By service, the plugin that the operator wants it from. */
  readonly prefer: Readonly<Record<string, string>>;
}

interface Edge {
  readonly to: string;
  readonly service: string;
}

/** Reads the graph out of the manifests. Only services that are required count: optional ones never block. */
export function createDependencyGraph(input: DependencyGraphInput): DependencyGraph {
  const needs = new Map<string, readonly Dependency[]>();
  const edges = new Map<string, readonly Edge[]>();
  const dependants = new Map<string, string[]>();
  for (const [plugin, manifest] of input.manifests) {
    const wanted = (manifest?.requires ?? []).filter((need) => need.arity === "one");
    const resolved = wanted.map((need) => resolve(input, plugin, need));
    needs.set(plugin, resolved);
    const out: Edge[] = [];
    for (const dependency of resolved) {
      if (dependency.kind === "hopeless") continue;
      out.push({ to: dependency.plugin, service: dependency.need.service });
      const known = dependants.get(dependency.plugin) ?? [];
      if (!known.includes(plugin)) dependants.set(dependency.plugin, [...known, plugin]);
    }
    edges.set(plugin, out);
  }
  return {
    needsOf: (plugin) => needs.get(plugin) ?? [],
    dependantsOf: (plugin) => dependants.get(plugin) ?? [],
    cycleOf(plugin) {
      const path = findCycle(edges, plugin);
      return path === undefined ? undefined : cycleFailure(path);
    },
  };
}

function resolve(input: DependencyGraphInput, plugin: string, need: RequiredService): Dependency {
  const offers = offersOf(input.manifests, need.service);
  const others = offers.filter((offer) => offer.plugin !== plugin);
  const fitting = others.filter((offer) => satisfies(offer.version, need.range));
  const preferred = input.prefer[need.service];
  if (preferred !== undefined && preferred !== plugin) {
    return fitting.some((offer) => offer.plugin === preferred)
      ? { kind: "provider", need, plugin: preferred }
      : { kind: "hopeless", need, failure: preferredUnfit(plugin, need, preferred, others) };
  }
  const names = [...new Set(fitting.map((offer) => offer.plugin))];
  const [only, second] = names;
  if (only !== undefined && second === undefined) return { kind: "provider", need, plugin: only };
  if (only !== undefined) return { kind: "hopeless", need, failure: ambiguous(plugin, need, names) };
  if (others.length > 0) return { kind: "hopeless", need, failure: outOfRange(plugin, need, others) };
  // A plugin that asks for what only it offers waits for itself.
  if (offers.length > 0) return { kind: "provider", need, plugin };
  return { kind: "hopeless", need, failure: missing(input.manifests, plugin, need) };
}

interface Offer {
  readonly plugin: string;
  readonly version: string;
}

function offersOf(manifests: DependencyGraphInput["manifests"], service: string): readonly Offer[] {
  const offers: Offer[] = [];
  for (const [plugin, manifest] of manifests) {
    for (const offered of manifest?.provides ?? []) {
      if (offered.service === service) offers.push({ plugin, version: offered.version });
    }
  }
  return offers;
}

/** The way from a plugin back to itself along what is needed; the shortest one. */
function findCycle(edges: ReadonlyMap<string, readonly Edge[]>, from: string): readonly Step[] | undefined {
  const queue: (readonly Step[])[] = [[]];
  const seen = new Set<string>();
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const at = path.at(-1)?.to ?? from;
    for (const edge of edges.get(at) ?? []) {
      const longer = [...path, { from: at, ...edge }];
      if (edge.to === from) return longer;
      if (seen.has(edge.to)) continue;
      seen.add(edge.to);
      queue.push(longer);
    }
  }
  return undefined;
}

interface Step extends Edge {
  readonly from: string;
}

function cycleFailure(path: readonly Step[]): CallFailure {
  // The same circle reads the same whoever is asked: it begins with the first name in the alphabet.
  const first = path.reduce((least, step, index) => (step.from < path[least]!.from ? index : least), 0);
  const turned = [...path.slice(first), ...path.slice(0, first)];
  const way = `${turned.map((step) => `${step.from} → (${step.service}) `).join("→ ")}→ ${turned[0]!.from}`;
  return createFailure(
    "DEPENDENCY_CYCLE",
    `plugins require each other in a circle, so none can start first: ${way}; ` +
      "make one of these services optional() in the plugin that can start without it",
    {
      facts: {
        path: [...turned.map((step) => step.from), turned[0]!.from].join(" → "),
        services: turned.map((step) => step.service).join(", "),
      },
    },
  );
}

function missing(
  manifests: DependencyGraphInput["manifests"],
  plugin: string,
  need: RequiredService,
): CallFailure {
  const silent = [...manifests].filter(([, manifest]) => manifest === undefined).map(([name]) => name);
  const hint =
    silent.length === 0
      ? `no plugin provides it; add one that does to the host's plugins, or make it optional() in ${plugin}`
      : `no plugin that could be loaded provides it, but ${listNames(silent)} could not be loaded and may; see why`;
  return createFailure("DEPENDENCY_MISSING", `plugin "${plugin}" requires ${asked(need)}; ${hint}`, {
    facts: { plugin, service: need.service, range: need.range },
  });
}

function outOfRange(plugin: string, need: RequiredService, others: readonly Offer[]): CallFailure {
  return createFailure(
    "VERSION_NOT_PROVIDED",
    `plugin "${plugin}" requires ${asked(need)}; there is ${listOffers(others)}; ` +
      "use a version of the provider in that range, or widen the range",
    { facts: { plugin, service: need.service, range: need.range, found: listOffers(others) } },
  );
}

function preferredUnfit(
  plugin: string,
  need: RequiredService,
  preferred: string,
  others: readonly Offer[],
): CallFailure {
  const own = others.filter((offer) => offer.plugin === preferred);
  if (own.length > 0) return outOfRange(plugin, need, own);
  const found = others.length === 0 ? "nobody provides it" : `it is provided by ${listOffers(others)}`;
  return createFailure(
    "DEPENDENCY_MISSING",
    `plugin "${plugin}" requires ${asked(need)}, and the host's prefer names ${preferred} for it, ` +
      `which does not provide it: ${found}; correct prefer`,
    { facts: { plugin, service: need.service, range: need.range, preferred } },
  );
}

function ambiguous(plugin: string, need: RequiredService, names: readonly string[]): CallFailure {
  return createFailure(
    "AMBIGUOUS_PROVIDER",
    `plugin "${plugin}" requires one ${asked(need)}, which ${listNames(names)} provide; ` +
      `choose one by prefer: { "${need.service}": "${names[0]}" } of the host`,
    { facts: { plugin, service: need.service, providers: names.join(", ") } },
  );
}

const asked = (need: RequiredService) => `${need.service} ${need.range}`;

function listOffers(offers: readonly Offer[]): string {
  return offers.map((offer) => `${offer.version} of ${offer.plugin}`).join(", ");
}

function listNames(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
