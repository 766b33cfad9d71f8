import { isDeepStrictEqual } from "node:util";
import {
  type CallFailure,
  createFailure,
  type HandshakeRequest,
  type Manifest,
  manifestFromHandshake,
  quoted,
  satisfies,
} from "@connect-plugin/protocol";

/** What the operator insists on about a plugin's manifest. */
export interface Expectation {
  /** Protobuf names of the services that it may provide; undefined for any. */
  readonly services: readonly string[] | undefined;
  /** Semver range for the version of its package; undefined for any. */
  readonly version: string | undefined;
}

/**
 * Holds what a plugin claims in its handshake against what its file showed and what the operator expects; undefined if
 * it claims no more than that.
 */
export function checkClaims(claims: {
  readonly plugin: string;
  readonly request: HandshakeRequest;
  /** What the plugin's file showed when it was loaded. */
  readonly shown: Manifest;
  readonly expect: Expectation;
}): CallFailure | undefined {
  const { plugin, shown, expect } = claims;
  const claimed = manifestFromHandshake(claims.request);
  if (!claimed.ok) return claimed.failure;
  const difference = firstDifference(claimed.manifest, shown);
  if (difference !== undefined) {
    return refuse(
      plugin,
      `plugin "${plugin}" claims another ${difference} in its handshake than its file showed when it was loaded; ` +
        "a plugin must send the manifest of its definition",
      { field: difference },
    );
  }
  if (expect.version !== undefined && !satisfies(shown.version, expect.version)) {
    return refuse(
      plugin,
      `plugin "${plugin}" is version ${quoted(shown.version)} of ${quoted(shown.name)}, ` +
        `but the host expects ${expect.version}; install that version or change expect.version`,
      { found: shown.version, wanted: expect.version },
    );
  }
  const allowed = expect.services;
  const excess = allowed === undefined ? [] : shown.provides.filter((one) => !allowed.includes(one.service));
  if (excess.length > 0) {
    const names = excess.map((one) => one.service).join(", ");
    return refuse(
      plugin,
      `plugin "${plugin}" offers ${names}, which the host does not expect of it; ` +
        "add it to expect.services if it may",
      { services: names },
    );
  }
  return undefined;
}

function refuse(plugin: string, message: string, facts: Readonly<Record<string, string>>): CallFailure {
  return createFailure("CLAIMS_EXCEED_SPEC", message, { facts: { plugin, ...facts } });
}

function firstDifference(a: Manifest, b: Manifest): keyof Manifest | undefined {
  const fields = ["name", "version", "provides", "requires", "instances"] as const;
  return fields.find((field) => !isDeepStrictEqual(a[field], b[field]));
}
