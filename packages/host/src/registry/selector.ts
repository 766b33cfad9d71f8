import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import { CountedLease, type InstanceUse } from "./instance-use.js";
import type { ProviderView } from "./provider-view.js";
import type { Lease, ProviderRecord } from "./record.js";
import { type ProviderQuery, resolveProvider } from "./selection.js";
import { choose, type Strategy, type Turn } from "./strategy.js";

/** A way of choosing that is worked out once and used often. */
export interface Selector {
  /** Chooses a provider and counts its use. `except`: an instance that has just proven unreachable. */
  pick(except?: string): Selection;
  /** Why a pick would fail now; undefined if it would not. */
  obstacle(): CallFailure | undefined;
}

export type Selection =
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "failure"; readonly failure: CallFailure };

/** What selectors choose from. */
export interface SelectionGround {
  readonly view: ProviderView;
  readonly uses: ReadonlyMap<string, InstanceUse>;
  /** Changes whenever the view does. */
  revision(): number;
  strategyOf(plugin: string): Strategy;
  knowsPlugin(name: string): boolean;
  random(): number;
}

/** Makes selectors that share one turn for each plugin's service. */
export function createSelectors(ground: SelectionGround): (query: ProviderQuery) => Selector {
  const turns = new Map<string, Turn>();
  return (query) => new ViewSelector(query, ground, turns);
}

interface Choice {
  readonly record: ProviderRecord;
  readonly use: InstanceUse;
}

type Resolved =
  | {
      readonly kind: "choices";
      readonly choices: readonly [Choice, ...Choice[]];
      readonly strategy: Strategy;
      readonly turn: Turn;
    }
  | { readonly kind: "failure"; readonly failure: CallFailure };

class ViewSelector implements Selector {
  private readonly query: ProviderQuery;
  private readonly ground: SelectionGround;
  private readonly turns: Map<string, Turn>;
  private resolvedAt = -1;
  private resolved: Resolved | undefined;

  constructor(query: ProviderQuery, ground: SelectionGround, turns: Map<string, Turn>) {
    this.query = query;
    this.ground = ground;
    this.turns = turns;
  }

  pick(except?: string): Selection {
    const resolved = this.resolve();
    if (resolved.kind === "failure") return resolved;
    const { choices, strategy, turn } = resolved;
    const left =
      except === undefined ? choices : choices.filter(({ record }) => record.instanceId !== except);
    if (!isSome(left))
      return { kind: "failure", failure: noOther(this.query.service, choices[0].record.plugin) };
    const { record, use } = choose(strategy, left, turn, this.ground.random);
    return { kind: "lease", lease: new CountedLease(record, use) };
  }

  obstacle(): CallFailure | undefined {
    const resolved = this.resolve();
    return resolved.kind === "failure" ? resolved.failure : undefined;
  }

  private resolve(): Resolved {
    const revision = this.ground.revision();
    if (this.resolved === undefined || this.resolvedAt !== revision) {
      this.resolved = this.resolveNow();
      this.resolvedAt = revision;
    }
    return this.resolved;
  }

  private resolveNow(): Resolved {
    const { view, uses, strategyOf, knowsPlugin } = this.ground;
    const { service } = this.query;
    const resolution = resolveProvider(this.query, view.ofService(service), knowsPlugin);
    if (resolution.kind === "failure") return resolution;
    const { plugin, records } = resolution;
    const choices: Choice[] = [];
    for (const record of records) {
      const use = uses.get(record.instanceId);
      if (use !== undefined) choices.push({ record, use });
    }
    if (!isSome(choices)) return { kind: "failure", failure: noOther(service, plugin) };
    return { kind: "choices", choices, strategy: strategyOf(plugin), turn: this.turnOf(plugin) };
  }

  private turnOf(plugin: string): Turn {
    const key = `${plugin}/${this.query.service}`;
    const turn = this.turns.get(key) ?? { next: 0 };
    this.turns.set(key, turn);
    return turn;
  }
}

function isSome<T>(list: readonly T[]): list is readonly [T, ...T[]] {
  return list.length > 0;
}

function noOther(service: string, plugin: string): CallFailure {
  return createFailure(
    "PROVIDER_GONE",
    `plugin "${plugin}" provides ${service}, but no instance of it can be reached`,
    {
      facts: { service, plugin },
    },
  );
}
