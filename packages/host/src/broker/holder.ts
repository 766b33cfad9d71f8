import type { CallFailure } from "@connect-plugin/protocol";
import { createServiceEnd, type ServiceEnd, type ServiceEndOptions } from "@connect-plugin/rpc";
import type { Principal } from "../auth/principal.js";
import type { Capability } from "./capability.js";
import type { Grant } from "./grant.js";

/** What one principal has been lent. */
export interface Holder {
  readonly principal: Principal;
  readonly grants: Set<Grant>;
  /** The capability as it serves this holder. */
  endOf(capability: Capability): ServiceEnd;
  /** Ends all calls. */
  cancelAll(failure: CallFailure): void;
}

export function createHolder(principal: Principal, options: Pick<ServiceEndOptions, "inflate">): Holder {
  const ends = new Map<Capability, ServiceEnd>();
  return {
    principal,
    grants: new Set(),
    endOf(capability) {
      const known = ends.get(capability);
      if (known !== undefined) return known;
      const implementation = capability.implementation(principal.caller);
      const end = createServiceEnd({ ...options, services: [{ desc: capability.desc, implementation }] });
      ends.set(capability, end);
      return end;
    },
    cancelAll(failure) {
      for (const end of ends.values()) end.cancelAll(failure);
    },
  };
}
