import { type CallFailure, createFailure } from "./failure.js";

/** Tells a host of this kind from whatever else listens at an address. Not a secret and no proof of anything. */
export interface MagicCookie {
  readonly key: string;
  readonly value: string;
}

/** What connect-plugin for Go uses unless told otherwise. */
export const DEFAULT_COOKIE: MagicCookie = {
  key: "CONNECT_PLUGIN",
  value: "d3f40b3c2e1a5f8b9c4d7e6a1b2c3d4e",
};

/** Completes a configured cookie as connect-plugin for Go does: without a key, the value counts for nothing. */
export function resolveCookie(key: string | undefined, value: string | undefined): MagicCookie {
  return key === undefined || key === "" ? DEFAULT_COOKIE : { key, value: value ?? "" };
}

/** Says what is wrong with the cookie of a handshake; undefined if nothing is. */
export function checkCookie(found: MagicCookie, wanted: MagicCookie): CallFailure | undefined {
  if (found.key === wanted.key && found.value === wanted.value) return undefined;
  const part = found.key === wanted.key ? "value" : "key";
  return createFailure(
    "COOKIE_MISMATCH",
    `the ${part} of the magic cookie is not the one that this host wants: the plugin belongs to another host, or one of the two sets a cookie that the other does not`,
    { facts: { part } },
  );
}
