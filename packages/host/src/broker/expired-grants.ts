import type { Principal } from "../auth/principal.js";
import type { Grant } from "./grant.js";

/** Remembers the last grants that expired, so that their holders are told so, and not that they never were. */
export interface ExpiredGrants {
  add(grant: Grant): void;
  wasOf(principal: Principal, grantId: string): boolean;
}

const MAX_REMEMBERED = 1_000;

export function createExpiredGrants(): ExpiredGrants {
  /** Runtime ids by grant, oldest first. */
  const holders = new Map<string, string>();
  return {
    add({ id, holder }) {
      holders.set(id, holder.runtimeId);
      for (const oldest of holders.keys()) {
        if (holders.size <= MAX_REMEMBERED) return;
        holders.delete(oldest);
      }
    },
    wasOf: (principal, grantId) => holders.get(grantId) === principal.runtimeId,
  };
}
