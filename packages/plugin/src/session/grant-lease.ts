import { durationMs } from "@bufbuild/protobuf/wkt";
import type { CapabilityGrant } from "@connect-plugin/protocol";

/** The share of a grant's life after which its use brings about a renewal. */
const RENEW_AFTER = 0.7;
/** A renewal that failed is not tried again sooner than this. */
const RETRY_RENEWAL_MS = 1_000;

/** The right to use a capability, kept fresh by being used. */
export interface GrantLease {
  /**
   * The id of a grant that is good now; a promise of one where there is none yet. Towards the end of a grant's life
   * the next one is asked for in the background, so that calls that come regularly never wait.
   */
  current(): string | Promise<string>;
  /** The host no longer takes this grant: the next use asks for another one. */
  discard(id: string): void;
}

type State =
  | { readonly kind: "none" }
  | { readonly kind: "asked"; readonly grant: Promise<string> }
  | { readonly kind: "held"; readonly id: string; readonly expiresAt: number; renewAt: number };

/**
 * @param request asks the host for a grant
 * @param now in ms, never going back
 */
export function createGrantLease(
  request: () => Promise<CapabilityGrant>,
  now: () => number = () => performance.now(),
): GrantLease {
  let state: State = { kind: "none" };

  async function ask(): Promise<string> {
    // From before the host made it: it may end sooner than we think, but never later.
    const asked = now();
    const grant = await request();
    const life = grant.expiresIn === undefined ? Number.POSITIVE_INFINITY : durationMs(grant.expiresIn);
    state = {
      kind: "held",
      id: grant.grantId,
      expiresAt: asked + life,
      renewAt: asked + life * RENEW_AFTER,
    };
    return grant.grantId;
  }

  function askForUse(): Promise<string> {
    const grant = ask();
    const asked: State = { kind: "asked", grant };
    state = asked;
    grant.catch(() => {
      if (state === asked) state = { kind: "none" };
    });
    return grant;
  }

  return {
    current() {
      if (state.kind === "asked") return state.grant;
      const time = now();
      if (state.kind === "none" || time >= state.expiresAt) return askForUse();
      if (time >= state.renewAt) {
        state.renewAt = time + RETRY_RENEWAL_MS;
        ask().catch(() => undefined);
      }
      return state.id;
    },
    discard(id) {
      if (state.kind === "held" && state.id === id) state = { kind: "none" };
    },
  };
}
