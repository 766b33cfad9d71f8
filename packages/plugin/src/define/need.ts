import type { DescService } from "@bufbuild/protobuf";
import type { Arity } from "@connect-plugin/protocol";

/**
 * Something that a plugin wants to call. Made by {@link requires}, {@link optional}, {@link each} and
 * {@link capability}; `M` are the methods (by their local names) that it may call.
 */
export interface Need<
  S extends DescService = DescService,
  A extends Arity = Arity,
  M extends keyof S["method"] = keyof S["method"],
> {
  readonly kind: "need";
  readonly desc: S;
  readonly range: string;
  readonly arity: A;
  /** Empty: all. */
  readonly methods: readonly M[];
}

/** Needs by the names under which the plugin's own code speaks of them. */
export type Needs = Readonly<Record<string, Need<DescService, Arity, string>>>;

/**
 * Needs exactly one provider of a service. The plugin is not started before there is one.
 *
 * `range` is a semver range of the contract, such as `^1.2.0`. In `ctx.services` it becomes a client; which provider
 * answers is the host's choice, and may change from call to call.
 */
export function requires<S extends DescService>(desc: S, range: string): Need<S, "one"> {
  return { kind: "need", desc, range, arity: "one", methods: [] };
}

/** Uses a service if somebody provides it. In `ctx.services` it becomes `{ client, available, changes() }`. */
export function optional<S extends DescService>(desc: S, range: string): Need<S, "optional"> {
  return { kind: "need", desc, range, arity: "optional", methods: [] };
}

/** Uses every plugin that provides a service. In `ctx.services` it becomes an iterable of `{ plugin, version, client }`. */
export function each<S extends DescService>(desc: S, range: string): Need<S, "each"> {
  return { kind: "need", desc, range, arity: "each", methods: [] };
}

/** Settings of {@link capability}. */
export interface CapabilityOptions<M> {
  /**
   * The methods to ask for, by their names in TypeScript. Default: all of the service. Ask for little: an operator
   * may refuse the whole, and a stolen grant is worth no more than this.
   */
  readonly methods?: readonly M[];
}

/**
 * Asks the host to lend one of its facilities. In `ctx.services` it becomes a client whose calls are made under a
 * grant, which is asked for before `start` and renewed without the plugin noticing.
 */
export function capability<
  S extends DescService,
  M extends keyof S["method"] & string = keyof S["method"] & string,
>(desc: S, range: string, options: CapabilityOptions<M> = {}): Need<S, "capability", NoInfer<M>> {
  return { kind: "need", desc, range, arity: "capability", methods: options.methods ?? [] };
}
