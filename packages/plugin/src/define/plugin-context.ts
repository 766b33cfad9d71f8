import type { DescService } from "@bufbuild/protobuf";
import type { ServiceClient } from "@connect-plugin/rpc";
import type { Need, Needs } from "./need.js";

/** All that a plugin gets from its host: the argument of `start`. */
export interface PluginContext<N extends Needs = Needs, Config = unknown> {
  /** What the plugin declared under `requires`, ready to be called. */
  readonly services: ResolvedNeeds<N>;
  /** What the operator configured, as the plugin's schema made it. */
  readonly config: Config;
  /**
   * Aborts when the plugin is stopping: its calls have been answered, and `stop()` comes next. Also aborts when
   * `start` is no longer waited for.
   */
  readonly signal: AbortSignal;
  readonly plugin: PluginSelf;
  readonly health: PluginHealth;
  readonly log: PluginLog;
}

/** Who the plugin is to its host. */
export interface PluginSelf {
  /** The plugin name: the operator's, not the package's. */
  readonly name: string;
  /** Names this run of the plugin. */
  readonly instanceId: string;
  /** The identity that the host gave to this run; other plugins see it as `call.caller.runtimeId`. */
  readonly runtimeId: string;
}

/** Tells the host how the plugin is. Never throws and never waits; the newest word counts. Healthy at first. */
export interface PluginHealth {
  healthy(): void;
  /** It works, but not as it should; it still gets calls. `unavailable` names the services that it misses. */
  degraded(reason: string, unavailable?: readonly string[]): void;
  /** It cannot do its work; it gets no calls until it says otherwise. */
  unhealthy(reason: string): void;
}

/** Facts of a log line. Values that are not strings are written as JSON. Never put secrets here. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Writes to the host's log, under the plugin's proven name. Never throws and never waits: lines are sent behind the
 * plugin's back, and if there are too many, the host is told how many were dropped.
 */
export interface PluginLog {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** A service that may be there or not. */
export interface OptionalService<S extends DescService> {
  /** Calls fail with `NO_PROVIDER` while nobody provides the service. */
  readonly client: ServiceClient<S>;
  /** Whether a call would reach a provider now, as far as the plugin has been told. */
  readonly available: boolean;
  /**
   * Yields `available` after each change since this was called; changes that come faster than they are read become
   * one. Ends when `signal` aborts or the plugin is stopping.
   */
  changes(signal?: AbortSignal): AsyncIterable<boolean>;
}

/** One of several providers of a service. */
export interface Provider<S extends DescService> {
  /** The plugin name. */
  readonly plugin: string;
  /** Semantic version of the contract that it offers. */
  readonly version: string;
  /** Calls this plugin and no other. The same object for as long as the plugin's session lasts. */
  readonly client: ServiceClient<S>;
}

/** The plugins that provide a service and can be called now, ordered by name. */
export interface Providers<S extends DescService> extends Iterable<Provider<S>> {
  /** The client for one plugin; nothing if it does not provide the service at the moment. */
  get(plugin: string): ServiceClient<S> | undefined;
  /** Yields after each change of the list since this was called, like {@link OptionalService.changes}. */
  changes(signal?: AbortSignal): AsyncIterable<void>;
}

/** What a need becomes in `ctx.services`. */
export type ResolvedNeed<N> =
  N extends Need<infer S, infer A, infer M>
    ? A extends "one"
      ? ServiceClient<S>
      : A extends "optional"
        ? OptionalService<S>
        : A extends "each"
          ? Providers<S>
          : Pick<ServiceClient<S>, M & keyof ServiceClient<S>>
    : never;

export type ResolvedNeeds<N> = { readonly [K in keyof N]: ResolvedNeed<N[K]> };
