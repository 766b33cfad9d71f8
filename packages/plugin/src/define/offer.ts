import type { DescService } from "@bufbuild/protobuf";

/** The shape of a semantic version, as far as a type can say it; the rest is checked by `definePlugin`. */
export type Version =
  | `${number}.${number}.${number}`
  | `${number}.${number}.${number}-${string}`
  | `${number}.${number}.${number}+${string}`;

/** A service that a plugin offers to others. Made by {@link provides}. */
export interface Offer<S extends DescService = DescService> {
  readonly kind: "offer";
  readonly desc: S;
  readonly version: string;
}

/** Offers by the names under which the plugin's own code speaks of them. */
export type Offers = Readonly<Record<string, Offer>>;

/**
 * Declares that the plugin provides a service.
 *
 * `version` is the semantic version of the contract, not of the plugin: callers ask for a range of it. It is checked
 * by `definePlugin`, which knows the plugin and the key to name.
 */
export function provides<S extends DescService>(desc: S, version: Version): Offer<S> {
  return { kind: "offer", desc, version };
}
