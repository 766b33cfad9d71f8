import type { CallChain, CallFailure } from "@connect-plugin/protocol";
import type { Principal } from "./principal.js";

/** Whether somebody may do something, and if not, what they are told. */
export type Decision = { readonly allow: true } | { readonly allow: false; readonly failure: CallFailure };

/** What somebody is about to do. */
export type Action =
  /** Call a method. `provider` is the plugin that would answer, or `host`. */
  | {
      readonly kind: "call";
      readonly service: string;
      readonly method: string;
      readonly provider: string;
      /** The caller and all for whom it calls, nearest first. */
      readonly chain: CallChain;
    }
  /** Be told who provides a service. */
  | { readonly kind: "watch"; readonly service: string }
  /** Be granted a facility of the host. Without methods: all of them. `reason` is what it says, and proves nothing. */
  | {
      readonly kind: "capability";
      readonly service: string;
      readonly methods: readonly string[];
      readonly reason: string;
    };

/**
 * Decides. Asked for every call, watch and grant, synchronously, so that nothing can change between decision and act.
 * Where the operator has set none, all that a manifest asks for is allowed.
 */
export type Authorize = (principal: Principal, action: Action) => Decision;
