import { type CallFailure, createFailure, printable, quoted } from "@connect-plugin/protocol";
import type { Principal } from "../auth/principal.js";

// What is said of requests and grants that do not hold.

export function capabilityUnknown(service: string, lent: Iterable<string>): CallFailure {
  return createFailure(
    "CAPABILITY_UNKNOWN",
    `this host lends no capability ${quoted(service)}; it lends ${[...lent].join(", ")}`,
    { facts: { capability: printable(service) } },
  );
}

export function otherVersion(service: string, wanted: string, lent: string): CallFailure {
  return createFailure(
    "VERSION_NOT_PROVIDED",
    `capability ${service} is wanted in version ${quoted(wanted)}, but this host lends ${lent}`,
    { facts: { capability: service, range: wanted, found: lent } },
  );
}

export function noSuchMethod(service: string, method: string, known: readonly string[]): CallFailure {
  return createFailure(
    "UNKNOWN_METHOD",
    `capability ${service} has no method ${quoted(method)}; it has ${known.join(", ")}`,
    { facts: { capability: service, method: printable(method) } },
  );
}

export function quotaReached(principal: Principal, limit: number): CallFailure {
  return createFailure(
    "GRANT_QUOTA",
    `plugin "${principal.name}" holds ${limit} grants, which is as many as it may; keep a grant and use it again until it expires`,
    { facts: { plugin: principal.name, limit: String(limit) } },
  );
}

export function holderGone(principal: Principal): CallFailure {
  return createFailure(
    "CREDENTIAL_INVALID",
    `the instance ${principal.runtimeId} is gone: it is lent nothing any more`,
    {
      facts: { runtimeId: principal.runtimeId },
    },
  );
}

export function grantMissing(service: string): CallFailure {
  return createFailure(
    "GRANT_INVALID",
    `capability ${service} is called without a grant; ask the host's CapabilityBroker for one first`,
    { facts: { capability: service } },
  );
}

/** Says the same of a grant that never was, one that was revoked and one that is another's: which, is not told. */
export function grantUnknown(service: string): CallFailure {
  return createFailure(
    "GRANT_INVALID",
    `the grant under which ${quoted(service)} is called is not one of the caller's; ask for a new one`,
    { facts: { capability: service } },
  );
}

export function grantExpired(service: string): CallFailure {
  return createFailure(
    "GRANT_EXPIRED",
    `the grant for capability ${service} has expired; ask for a new one`,
    {
      facts: { capability: service },
    },
  );
}

export function outsideGrant(granted: string, methods: readonly string[], what: string): CallFailure {
  const covers = methods.length === 0 ? `all of ${granted}` : `${methods.join(", ")} of ${granted}`;
  return createFailure(
    "GRANT_SCOPE",
    `the grant covers ${covers}, not ${quoted(what)}; ask for one that covers it`,
    { facts: { capability: granted, wanted: printable(what) } },
  );
}

/** For calls that were under way. Not one of the reasons that a caller would answer by calling again. */
export function grantWithdrawn(service: string, reason: string): CallFailure {
  return createFailure(
    "CANCELLED",
    `the grant for capability ${service} was withdrawn during the call: ${reason}`,
    {
      fault: "host",
      facts: { capability: service },
    },
  );
}
