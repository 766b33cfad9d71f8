import type { CallFailure, CallHandler, MethodKind } from "@connect-plugin/protocol";
import type { Principal } from "../auth/principal.js";

/** The host's facilities, as the router sees them. The broker is one. */
export interface LentCapabilities {
  /** How the host lends this service: not at all, to who holds a grant, or to everybody. */
  lends(service: string): "no" | "by-grant" | "to-all";
  /** Checked for every call. */
  use(principal: Principal, grant: string | undefined, service: string, method: string): CapabilityUse;
}

export type CapabilityUse =
  /** The handler takes one call, now. */
  | { readonly kind: "granted"; readonly handler: CallHandler; readonly methodKind: MethodKind }
  | { readonly kind: "failure"; readonly failure: CallFailure };
