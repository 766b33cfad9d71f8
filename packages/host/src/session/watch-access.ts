import { createFailure, type Manifest } from "@connect-plugin/protocol";
import { toConnectError } from "@connect-plugin/rpc";
import type { Authorize } from "../auth/decision.js";
import type { Principal } from "../auth/principal.js";

/**
 * Lets a plugin be told only of services that its manifest requires, and only as policy allows. Throws a ConnectError
 * (NOT_REQUIRED, or that of the policy).
 */
export type WatchAccess = (service: string) => void;

export function createWatchAccess(
  principal: Principal,
  manifest: Manifest,
  authorize: Authorize | undefined,
): WatchAccess {
  const required = new Set(manifest.requires.map((need) => need.service));
  return (service) => {
    if (!required.has(service)) {
      throw toConnectError(
        createFailure(
          "NOT_REQUIRED",
          `plugin "${principal.name}" asks who provides ${service}, which its manifest does not require; add it to "requires"`,
          { facts: { caller: principal.name, service } },
        ),
      );
    }
    const decision = authorize?.(principal, { kind: "watch", service });
    if (decision !== undefined && !decision.allow) throw toConnectError(decision.failure);
  };
}
