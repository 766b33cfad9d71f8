import type { CallChain, Caller } from "@connect-plugin/protocol";

declare const principalBrand: unique symbol;

/**
 * Who somebody is proven to be. Only this room makes one; every room that acts for somebody takes one as an
 * argument, so that forgetting to authenticate does not compile.
 */
export interface Principal {
  readonly [principalBrand]: true;
  readonly kind: Caller["kind"];
  /** The plugin name from the spec, or the name of the host, operator or application. */
  readonly name: string;
  readonly runtimeId: string;
  /** What handlers are told about the principal. The same object for the principal's whole life. */
  readonly caller: Caller;
  /** The chain of a call that the principal makes for nobody else. */
  readonly chain: CallChain;
}
