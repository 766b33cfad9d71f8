import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import type { Principal } from "./principal.js";
import { newCredentialId, newSecret, type RandomBytes, Secret } from "./secret.js";

/**
 * Tokens that prove a runtime id where the connection itself does not: over HTTP. (Over a lane, the connection is the
 * credential.)
 */
export interface RuntimeTokens {
  /** A new token for the principal. Older ones stay good until they expire, so that renewing fails no call. */
  issue(principal: Principal): IssuedToken;
  verify(token: string): VerifiedToken;
  /** All tokens of the principal are no more, from now on. Idempotent. */
  revoke(principal: Principal): void;
  /** Tokens that are good now or have not been swept yet. */
  readonly size: number;
}

export interface IssuedToken {
  /** `id.secret`. */
  readonly token: string;
  /** In ms from now. */
  readonly expiresInMs: number;
}

export type VerifiedToken =
  | { readonly kind: "verified"; readonly principal: Principal }
  | { readonly kind: "failure"; readonly failure: CallFailure };

export interface RuntimeTokensOptions {
  /** Life of a token in ms. Default one hour. */
  readonly ttlMs?: number;
  /** In ms; must not go back. Default `performance.now()`. */
  readonly now?: () => number;
  readonly random?: RandomBytes;
}

interface KeptToken {
  readonly id: string;
  readonly principal: Principal;
  readonly secret: Secret;
  readonly expiresAt: number;
}

/** Enough for one that is in use, one that takes its place, and a renewal whose answer got lost. */
const TOKENS_PER_PRINCIPAL = 4;

export function createRuntimeTokens(options: RuntimeTokensOptions = {}): RuntimeTokens {
  const ttlMs = options.ttlMs ?? 3_600_000;
  if (!(ttlMs > 0)) throw new RangeError(`ttlMs: wanted more than 0, got ${ttlMs}`);
  const now = options.now ?? (() => performance.now());
  const tokens = new Map<string, KeptToken>();
  const byPrincipal = new Map<Principal, KeptToken[]>();
  /** Compared with where there is no such token, so that asking takes the same time. */
  const nobody = Secret.digestOf(newSecret(options.random));

  return {
    issue(principal) {
      const id = newCredentialId(options.random);
      const secret = newSecret(options.random);
      const kept: KeptToken = { id, principal, secret: Secret.digestOf(secret), expiresAt: now() + ttlMs };
      const older = byPrincipal.get(principal) ?? [];
      const staying = older.filter((token) => token.expiresAt > now()).slice(1 - TOKENS_PER_PRINCIPAL);
      for (const token of older) if (!staying.includes(token)) tokens.delete(token.id);
      byPrincipal.set(principal, [...staying, kept]);
      tokens.set(id, kept);
      return { token: `${id}.${secret}`, expiresInMs: ttlMs };
    },
    verify(token) {
      const dot = token.indexOf(".");
      const kept = dot < 0 ? undefined : tokens.get(token.slice(0, dot));
      const matches = (kept?.secret ?? nobody).matches(token.slice(dot + 1));
      if (kept === undefined || !matches)
        return failed("the runtime token is not one of this host's, or was revoked");
      if (kept.expiresAt <= now()) return failed("the runtime token has expired: renew it before it does");
      return { kind: "verified", principal: kept.principal };
    },
    revoke(principal) {
      for (const token of byPrincipal.get(principal) ?? []) tokens.delete(token.id);
      byPrincipal.delete(principal);
    },
    get size() {
      return tokens.size;
    },
  };
}

function failed(message: string): VerifiedToken {
  return { kind: "failure", failure: createFailure("CREDENTIAL_INVALID", message) };
}
