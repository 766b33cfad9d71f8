import type { MethodKind } from "./call.js";

/** What a plugin says of itself. Everything in it is a claim that the host holds against the operator's spec. */
export interface Manifest {
  /** What the package calls itself; not the plugin name, which is the operator's. */
  readonly name: string;
  /** Semver. */
  readonly version: string;
  readonly provides: readonly OfferedService[];
  readonly requires: readonly RequiredService[];
  /** `one`: two instances must not run at once, because they would share something. */
  readonly instances: "many" | "one";
  /** The SDK that the plugin was built with, for diagnostics only. */
  readonly sdk: { readonly name: string; readonly version: string };
}

export interface OfferedService {
  /** The name under which the plugin's code speaks of it. */
  readonly key: string;
  /** Fully qualified Protobuf name. */
  readonly service: string;
  /** Semver of the contract that is offered. */
  readonly version: string;
  readonly methods: readonly MethodInfo[];
}

export interface MethodInfo {
  readonly name: string;
  readonly kind: MethodKind;
  /** From the method's `idempotency_level`. */
  readonly idempotency: "unknown" | "no_side_effects" | "idempotent";
}

/** How many providers a plugin wants of a service: exactly one, perhaps one, all of them, or a facility of the host. */
export type Arity = "one" | "optional" | "each" | "capability";

export interface RequiredService {
  readonly key: string;
  readonly service: string;
  /** Semver range. */
  readonly range: string;
  readonly arity: Arity;
  /** For a capability: Protobuf names of the methods that are asked for; empty for all. */
  readonly methods: readonly string[];
}
