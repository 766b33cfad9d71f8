import { type CallFailure, type CallHead, createFailure } from "@connect-plugin/protocol";
import type { Phase } from "./phase.js";

/** Why a call of the plugin's services is not taken where the session stands; nothing if it is. */
export function refuseByPhase(plugin: string, phase: Phase, head: CallHead): CallFailure | undefined {
  const facts = { plugin, service: head.service, method: head.method };
  switch (phase.name) {
    case "serving":
      return undefined;
    case "handshaking":
    case "waiting":
    case "starting":
      return createFailure(
        "PROVIDER_STARTING",
        `Plugin "${plugin}" takes no calls yet: it is starting. Try again.`,
        {
          facts,
        },
      );
    case "failed":
      return createFailure("PROVIDER_GONE", `Plugin "${plugin}" takes no calls: it failed to start.`, {
        facts,
      });
    case "ending":
      return createFailure("PROVIDER_STOPPED", `Plugin "${plugin}" is stopping: ${phase.reason}.`, { facts });
    case "stopped":
      return createFailure("PROVIDER_STOPPED", `Plugin "${plugin}" has stopped.`, { facts });
  }
}

/** Refuses calls of other plugins to what only the host may ask of a plugin. A host does not let them through anyway. */
export function refuseStrangers(plugin: string, head: CallHead): CallFailure | undefined {
  const caller = head.chain?.caller;
  if (caller === undefined || caller.kind === "host" || caller.kind === "operator") return undefined;
  return createFailure("NOT_REQUIRED", `Only the host of plugin "${plugin}" may call ${head.service}.`, {
    facts: { plugin, service: head.service, method: head.method, caller: caller.name },
  });
}
