import type { DescService } from "@bufbuild/protobuf";
import type { Arity } from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import type { Need, Needs } from "../define/need.js";

/** Stands in for a service that a plugin needs. Methods that are left out answer `unimplemented`. */
export type Fake<S extends DescService> = Partial<Implementation<S>>;

/** Stand-ins for all that provide a service, by plugin name. */
export type FakePlugins<S extends DescService> = Readonly<Record<string, Fake<S>>>;

type ArityOf<T> = T extends Need<DescService, infer A, infer _> ? A : never;
type ServiceOf<T> = T extends Need<infer S, Arity, infer _> ? S : never;
type KeysOf<N, A extends Arity> = { [K in keyof N]: ArityOf<N[K]> extends A ? K : never }[keyof N];

/** What stands in for the needs of a plugin under test: one that it cannot do without cannot be left out. */
export type FakeServices<N extends Needs> = {
  readonly [K in KeysOf<N, "one">]: Fake<ServiceOf<N[K]>>;
} & {
  readonly [K in KeysOf<N, "optional">]?: Fake<ServiceOf<N[K]>>;
} & {
  readonly [K in KeysOf<N, "each">]?: FakePlugins<ServiceOf<N[K]>>;
};

/** What stands in for the capabilities of a plugin under test. */
export type FakeCapabilities<N extends Needs> = {
  readonly [K in KeysOf<N, "capability">]: Fake<ServiceOf<N[K]>>;
};

/** Keys of needs whose providers may come and go. */
export type ChangingKey<N extends Needs> = KeysOf<N, "one" | "optional" | "each">;

/** What can be put under a key: nothing takes it away. */
export type FakeFor<N extends Needs, K extends keyof N> =
  ArityOf<N[K]> extends "each" ? FakePlugins<ServiceOf<N[K]>> : Fake<ServiceOf<N[K]>>;
