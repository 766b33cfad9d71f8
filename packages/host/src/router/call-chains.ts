import type { CallChain, Caller } from "@connect-plugin/protocol";

/** Makes the chains of one caller's calls: itself, before those for whom it calls. */
export interface CallChains {
  behind(chain: CallChain): CallChain;
}

/** Chains that are remembered for each caller. Callers decide whom they call for, so the number is bounded. */
const MAX_KNOWN = 256;

/**
 * Equal chains are the same object as far as possible, so that a lane can send each only once and an equal chain costs
 * no allocation.
 */
export function createCallChains(caller: Caller): CallChains {
  const known = new Map<CallChain, CallChain>();
  return {
    behind(chain) {
      const before = known.get(chain);
      if (before !== undefined) return before;
      if (known.size >= MAX_KNOWN) known.clear();
      const extended: CallChain = Object.freeze({ caller, behind: chain, depth: chain.depth + 1 });
      known.set(chain, extended);
      return extended;
    },
  };
}
