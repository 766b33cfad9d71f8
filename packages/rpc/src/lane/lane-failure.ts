import {
  type CallFailure,
  type CallHead,
  createFailure,
  type Fault,
  type LaneProtocolError,
  type LaneSide,
  MAX_CHAIN_DEPTH,
} from "@connect-plugin/protocol";

// Everything that can go wrong on a lane, in words.

/** A call, as failures name it. */
interface NamedCall {
  readonly head: CallHead;
  readonly sends: "request" | "response";
}

/** Whose fault it is if the peer of this side misbehaves. */
function faultOfPeer(side: LaneSide): Fault {
  return side === "host" ? "plugin" : "host";
}

export function ruleBroken(side: LaneSide, peer: string, error: LaneProtocolError): CallFailure {
  return createFailure(
    "LANE_PROTOCOL",
    `The lane to ${peer} ended because it broke a rule: ${error.message}. Its SDK is at fault, or something else writes into its pipe.`,
    { fault: faultOfPeer(side), facts: { rule: error.rule } },
  );
}

export function lost(side: LaneSide, peer: string, how: string): CallFailure {
  return createFailure(
    "CONNECTION_LOST",
    `The connection to ${peer} was lost: ${how}. Whether a call in flight was carried out is not known.`,
    { fault: faultOfPeer(side), facts: { how } },
  );
}

/** The same failure for a call that the peer cannot have seen. */
export function undelivered(failure: CallFailure): CallFailure {
  return { ...failure, notDelivered: true };
}

export function tooManyCalls(head: CallHead, peer: string, why: string): CallFailure {
  return createFailure(
    "TOO_MANY_CALLS",
    `${nameOf(head)} was not sent to ${peer}: ${why}. Make fewer calls at a time, or raise the limit.`,
    { facts: factsOf(head), notDelivered: true },
  );
}

export function chainTooDeep(head: CallHead, depth: number): CallFailure {
  return createFailure(
    "CALL_DEPTH_EXCEEDED",
    `${nameOf(head)} is made for a chain of ${depth} callers, and a lane carries ${MAX_CHAIN_DEPTH}. Look for plugins that call each other in a circle.`,
    { facts: factsOf(head) },
  );
}

export function metadataTooLarge(call: NamedCall, whose: "request" | "response", limit: number): CallFailure {
  return createFailure(
    "METADATA_TOO_LARGE",
    `The header or trailer of a ${whose} of ${nameOf(call.head)} is larger than the ${limit} bytes that are allowed. Send data of that size in a message.`,
    { fault: senderOf(whose), facts: { ...factsOf(call.head), limit: String(limit) } },
  );
}

export function headTooLarge(head: CallHead): CallFailure {
  return createFailure(
    "METADATA_TOO_LARGE",
    `${nameOf(head)}: names, header and callers together are larger than a frame can hold.`,
    { facts: factsOf(head) },
  );
}

export function messageTooLarge(call: NamedCall, whose: "request" | "response", limit: number): CallFailure {
  return createFailure(
    "MESSAGE_TOO_LARGE",
    `A ${whose} message of ${nameOf(call.head)} is larger than the ${limit} bytes that are allowed. Send it as a stream of smaller ones, or raise the limit.`,
    { fault: senderOf(whose), facts: { ...factsOf(call.head), limit: String(limit) } },
  );
}

export function unencodable(call: NamedCall, type: string, error: unknown): CallFailure {
  return createFailure(
    call.sends === "request" ? "MESSAGE_INVALID" : "RESPONSE_INVALID",
    `A ${call.sends} message of ${nameOf(call.head)} cannot be encoded as ${type}: ${textOf(error)}`,
    { facts: { ...factsOf(call.head), type } },
  );
}

/** Code at this end threw where nothing may throw. */
export function handlerFailed(call: NamedCall, error: unknown): CallFailure {
  const who = call.sends === "request" ? "The caller" : "The handler";
  return createFailure(
    "HANDLER_FAILED",
    `${who} of ${nameOf(call.head)} failed unexpectedly: ${textOf(error)}`,
    {
      fault: call.sends === "request" ? "caller" : "plugin",
      facts: factsOf(call.head),
    },
  );
}

function senderOf(whose: "request" | "response"): Fault {
  return whose === "request" ? "caller" : "plugin";
}

function nameOf(head: CallHead): string {
  return `${head.service}/${head.method}`;
}

function factsOf(head: CallHead): Record<string, string> {
  return { service: head.service, method: head.method };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
