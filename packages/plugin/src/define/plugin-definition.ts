import type { EntryHook, PluginEntry } from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Needs } from "./need.js";
import type { Offer, Offers, Version } from "./offer.js";
import type { PluginContext } from "./plugin-context.js";

/** The argument of `definePlugin`: what a plugin is, wants and does. */
export interface PluginOptions<P extends Offers, N extends Needs, CS extends StandardSchemaV1> {
  /** What the package calls itself. The operator's name for it may be another. */
  readonly name: string;
  /** Semantic version of the package. */
  readonly version: Version;
  /** Services for others. Default: none. */
  readonly provides?: P;
  /** Services and capabilities of others. Default: none. */
  readonly requires?: N;
  /** Any Standard Schema (zod, valibot, arktype …); it is applied before `start`. Default: the plugin takes no config. */
  readonly config?: CS;
  /** `one` if two instances must not run at once because they would share something, such as a file. Default: `many`. */
  readonly instances?: "many" | "one";
  /**
   * Brings the plugin to life. Called once, when everything under `requires` can be called. Calls arrive only when it
   * has returned; what it throws is shown to the operator.
   */
  start(ctx: PluginContext<N, StandardSchemaV1.InferOutput<CS>>): Started<P> | Promise<Started<P>>;
}

/** What `start` returns: an implementation for each service under `provides`, and how to stop. */
export type Started<P extends Offers> = ([keyof P] extends [never]
  ? { readonly services?: Implementations<P> }
  : { readonly services: Implementations<P> }) & {
  /** Frees what `start` took. Called once, after the last call; the host waits for it, but not for ever. */
  stop?(): void | Promise<void>;
};

/** Implementations for offers, under the same keys. */
export type Implementations<P> = {
  readonly [K in keyof P]: P[K] extends Offer<infer S> ? Implementation<S> : never;
};

/**
 * A whole plugin: the default export of a plugin file.
 *
 * The type parameters are there for compilers only: a host checks the operator's config against `ConfigIn`, and
 * `testPlugin` the fakes against `N`.
 */
export interface PluginDefinition<ConfigIn = unknown, N extends Needs = Needs, P extends Offers = Offers>
  extends PluginEntry {
  readonly $connectPlugin: EntryHook & {
    /** Never there at run time. Structural, since the host's copy of this type is not the plugin's. */
    readonly types?: { readonly config: ConfigIn; readonly requires: N; readonly provides: P };
  };
}
