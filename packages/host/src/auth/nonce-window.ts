import { type CallFailure, createFailure, HANDSHAKE_LIMITS } from "@connect-plugin/protocol";

/** Remembers nonces for a while, so that a message that was recorded cannot be sent again. */
export interface NonceWindow {
  /**
   * Takes a nonce that must not have been seen. Ask only after the message has proven its sender: what anybody can
   * send must not fill the window.
   */
  take(nonce: Uint8Array): CallFailure | undefined;
  /** Nonces that are remembered now. */
  readonly size: number;
}

export interface NonceWindowOptions {
  /** How long a nonce is remembered, in ms. Longer than any credential that it comes with is good for. Default 10 min. */
  readonly windowMs?: number;
  /** Nonces that are remembered at once. Beyond that, new ones are refused until old ones go. Default 10,000. */
  readonly limit?: number;
  /** In ms; must not go back. Default `performance.now()`. */
  readonly now?: () => number;
}

export function createNonceWindow(options: NonceWindowOptions = {}): NonceWindow {
  const { nonceMinBytes, nonceMaxBytes } = HANDSHAKE_LIMITS;
  const windowMs = options.windowMs ?? 600_000;
  const limit = options.limit ?? 10_000;
  const now = options.now ?? (() => performance.now());
  /** In the order of their times: a Map keeps the order of insertion, and nothing is inserted twice. */
  const seen = new Map<string, number>();

  function forgetOld(at: number): void {
    for (const [nonce, time] of seen) {
      if (at - time < windowMs) return;
      seen.delete(nonce);
    }
  }

  return {
    take(nonce) {
      if (nonce.byteLength < nonceMinBytes || nonce.byteLength > nonceMaxBytes) {
        return createFailure(
          "HANDSHAKE_INVALID",
          `client_nonce must have ${nonceMinBytes} to ${nonceMaxBytes} random bytes, but has ${nonce.byteLength}`,
        );
      }
      const at = now();
      forgetOld(at);
      const key = Buffer.from(nonce).toString("base64url");
      if (seen.has(key)) {
        return createFailure(
          "HANDSHAKE_REPLAYED",
          "this handshake was made before: each one needs a client_nonce of its own, from a good random generator",
        );
      }
      if (seen.size >= limit) {
        return createFailure(
          "TOO_MANY_CALLS",
          `more than ${limit} handshakes within ${Math.round(windowMs / 1000)} s; try again later`,
        );
      }
      seen.set(key, at);
      return undefined;
    },
    get size() {
      return seen.size;
    },
  };
}
