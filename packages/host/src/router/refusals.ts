import {
  type CallFailure,
  type CallHead,
  createFailure,
  type MethodInfo,
  printable,
  quoted,
} from "@connect-plugin/protocol";
import type { Principal } from "../auth/principal.js";

// What callers are told of calls that the router does not carry.

export function identityEnded(principal: Principal): CallFailure {
  return createFailure(
    "CREDENTIAL_INVALID",
    `the identity ${principal.runtimeId} of ${describe(principal)} has ended: its instance is gone`,
    { facts: { runtimeId: principal.runtimeId } },
  );
}

export function tooManyCalls(principal: Principal, limit: number): CallFailure {
  return createFailure(
    "TOO_MANY_CALLS",
    `${describe(principal)} has ${limit} calls in flight, which is as many as it may; wait for some to end`,
    { facts: { caller: principal.name, limit: String(limit) } },
  );
}

/** Says the same of a call that never was, one that has ended and one that is another's: which, is not told. */
export function parentNotInFlight(principal: Principal, parent: number): CallFailure {
  return createFailure(
    "PARENT_NOT_IN_FLIGHT",
    `call ${parent}, for which this call is said to be made, is not in flight to ${describe(principal)}; make calls before the handler returns, or detach them`,
    { facts: { caller: principal.name, parent: String(parent) } },
  );
}

export function tooDeep(principal: Principal, limit: number): CallFailure {
  return createFailure(
    "CALL_DEPTH_EXCEEDED",
    `a call of ${describe(principal)} would be made for more than ${limit - 1} others, each for the next; look for plugins that call each other in a circle`,
    { facts: { caller: principal.name, limit: String(limit) } },
  );
}

export function alreadyLate(head: CallHead): CallFailure {
  return createFailure(
    "DEADLINE_EXCEEDED",
    `the deadline of ${methodOf(head)} had passed before it reached a provider`,
    { facts: factsOf(head) },
  );
}

export function notRequired(principal: Principal, head: CallHead, required: Iterable<string>): CallFailure {
  const names = [...required].sort().join(", ");
  const found = names === "" ? "it requires nothing" : `it requires ${names}`;
  return createFailure(
    "NOT_REQUIRED",
    `${describe(principal)} calls ${quoted(head.service)}, which its manifest does not require; ${found}. Add it to "requires"`,
    { facts: { caller: principal.name, service: printable(head.service) } },
  );
}

export function unknownMethod(head: CallHead, plugin: string, known: readonly MethodInfo[]): CallFailure {
  const names = known.map(({ name }) => name).join(", ");
  return createFailure(
    "UNKNOWN_METHOD",
    `${head.service} of plugin "${plugin}" has no method ${quoted(head.method)}; it has ${names}`,
    { facts: { ...factsOf(head), plugin } },
  );
}

export function otherKind(head: CallHead, plugin: string, kind: MethodInfo["kind"]): CallFailure {
  return createFailure(
    "KIND_MISMATCH",
    `${methodOf(head)} is called as ${head.kind}, but plugin "${plugin}" offers it as ${kind}; the two were generated from different versions of the .proto file`,
    { facts: { ...factsOf(head), plugin, called: head.kind, offered: kind } },
  );
}

export function noCapability(head: CallHead): CallFailure {
  return createFailure("CAPABILITY_UNKNOWN", `this host lends no capability ${quoted(head.service)}`, {
    facts: { service: printable(head.service) },
  });
}

/** For calls of a principal that is no more. */
export function callerGone(principal: Principal): CallFailure {
  return createFailure("CANCELLED", `${describe(principal)}, which made this call, is gone`, {
    facts: { caller: principal.name },
  });
}

/** For calls that are made for a call that was cancelled. */
export function parentCancelled(parent: number, why: CallFailure): CallFailure {
  return createFailure(
    "CANCELLED",
    `call ${parent}, for which this call was made, was cancelled: ${why.message}`,
    {
      facts: { parent: String(parent) },
    },
  );
}

function describe({ kind, name }: Principal): string {
  return `${kind} "${name}"`;
}

/** Callers choose the names: they may hold anything. */
function methodOf({ service, method }: CallHead): string {
  return printable(`${service}/${method}`);
}

function factsOf({ service, method }: CallHead): { readonly service: string; readonly method: string } {
  return { service: printable(service), method: printable(method) };
}
