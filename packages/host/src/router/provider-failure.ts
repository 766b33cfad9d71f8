import {
  type CallFailure,
  createFailure,
  type FailureInfo,
  printable,
  type Reason,
} from "@connect-plugin/protocol";
import type { CallDistance } from "../event.js";

/** Who answers a call: an instance of a plugin, or the host itself. */
export interface Provider {
  readonly plugin: string;
  readonly instanceId: string;
  readonly runtimeId: string;
  readonly distance: CallDistance;
}

/** What connection code says when a connection is no more. */
const LOST: ReadonlySet<Reason> = new Set([
  "CONNECTION_LOST",
  "CONNECTION_CLOSED",
  "LANE_PROTOCOL",
  "GOING_AWAY",
]);

/**
 * A provider's failure as its caller is told it: with the name of who failed. A failure that the provider only passes
 * on keeps the name that it came with; by whom it came is then said beside it, because only that is proven.
 */
export function nameProvider(failure: CallFailure, provider: Provider): CallFailure {
  const { info } = failure;
  if (info === undefined || provider.distance === "host") return failure;
  const { plugin, instanceId } = provider;
  const named = info.facts.plugin;
  if (named === undefined) {
    if (LOST.has(info.reason)) return providerGone(failure, info, provider);
    return withFacts(failure, info, { ...info.facts, plugin, instanceId });
  }
  if (named === plugin && info.facts.through === undefined) return failure;
  return withFacts(failure, info, { ...info.facts, through: plugin });
}

/** A call that nobody answered in time. */
export function deadlineExceeded(
  service: string,
  method: string,
  { plugin, instanceId }: Provider,
): CallFailure {
  return createFailure(
    "DEADLINE_EXCEEDED",
    `plugin "${plugin}" did not answer ${printable(`${service}/${method}`)} before its deadline`,
    { facts: { plugin, instanceId, service: printable(service), method: printable(method) } },
  );
}

/** What a provider sent beside its answer breaks the rules. */
export function responseInvalid(problem: string, { plugin, instanceId }: Provider): CallFailure {
  return createFailure(
    "RESPONSE_INVALID",
    `the metadata of plugin "${plugin}" cannot be passed on: ${problem}`,
    {
      facts: { plugin, instanceId },
    },
  );
}

/** Connections answer; one that throws instead is broken. */
export function providerThrew({ plugin, instanceId }: Provider): CallFailure {
  return createFailure(
    "HANDLER_FAILED",
    `plugin "${plugin}" threw when it was given a call, instead of answering it`,
    {
      facts: { plugin, instanceId },
    },
  );
}

function providerGone(
  failure: CallFailure,
  info: FailureInfo,
  { plugin, instanceId }: Provider,
): CallFailure {
  const message = failure.notDelivered
    ? `plugin "${plugin}" could not be reached: ${failure.message}`
    : `plugin "${plugin}" was lost during the call, which it may have carried out or not: ${failure.message}`;
  return createFailure("PROVIDER_GONE", message, {
    fault: info.fault,
    facts: { ...info.facts, plugin, instanceId, cause: info.reason },
    notDelivered: failure.notDelivered,
  });
}

function withFacts(failure: CallFailure, info: FailureInfo, facts: FailureInfo["facts"]): CallFailure {
  return { ...failure, info: { ...info, facts } };
}
