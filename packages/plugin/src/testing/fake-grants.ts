import { randomBytes } from "node:crypto";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  type CapabilityGrantSchema,
  createFailure,
  type RequestCapabilityRequest,
} from "@connect-plugin/protocol";
import { failureError } from "@connect-plugin/rpc";

/** Capabilities lent to a plugin under test, by the rules of a real broker. */
export interface FakeGrants {
  issue(request: RequestCapabilityRequest): MessageInitShape<typeof CapabilityGrantSchema>;
  /** Who answers a call that is made under a grant, or why nobody does. */
  check(head: CallHead, grant: string): { readonly handler: CallHandler } | { readonly failure: CallFailure };
  /** From now on no grant that was given before is good. */
  revokeAll(): void;
  /** How many grants were given. */
  readonly issued: number;
}

interface Grant {
  readonly service: string;
  readonly methods: readonly string[];
  readonly expiresAt: number;
}

/** @param lent what is lent, by service name */
export function createFakeGrants(lent: ReadonlyMap<string, CallHandler>, lifeMs: number): FakeGrants {
  const grants = new Map<string, Grant>();
  let issued = 0;

  return {
    issue({ capabilityType, methods }) {
      if (!lent.has(capabilityType)) {
        const known = [...lent.keys()].join(", ");
        throw failureError("CAPABILITY_UNKNOWN", `This test lends no ${capabilityType}; it lends ${known}.`);
      }
      const grantId = randomBytes(16).toString("base64url");
      grants.set(grantId, { service: capabilityType, methods, expiresAt: performance.now() + lifeMs });
      issued++;
      return { grantId, capabilityType, version: "1.0.0", methods, expiresIn: durationFromMs(lifeMs) };
    },
    check(head, id) {
      const grant = grants.get(id);
      const handler = grant === undefined ? undefined : lent.get(grant.service);
      if (grant === undefined || handler === undefined || grant.service !== head.service) {
        return {
          failure: createFailure("GRANT_INVALID", `The grant of this call is none for ${head.service}.`),
        };
      }
      if (performance.now() >= grant.expiresAt) {
        return { failure: createFailure("GRANT_EXPIRED", `The grant for ${head.service} has expired.`) };
      }
      if (grant.methods.length > 0 && !grant.methods.includes(head.method)) {
        return {
          failure: createFailure("GRANT_SCOPE", `The grant does not cover ${head.service}/${head.method}.`),
        };
      }
      return { handler };
    },
    revokeAll: () => grants.clear(),
    get issued() {
      return issued;
    },
  };
}
