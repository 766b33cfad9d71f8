import type { DescMethod } from "@bufbuild/protobuf";
import { type CallFailure, type CallHead, createFailure } from "@connect-plugin/protocol";
import { ConnectError } from "@connectrpc/connect";
import { toFailure } from "./connect-failure.js";
import { checkMetadata, NO_METADATA } from "./metadata.js";

// What callers are told of a call that its provider could not answer.

/** Whatever a handler threw. Of an error that is no `ConnectError` callers learn nothing: it may hold secrets. */
export function handlerFailure(head: CallHead, error: unknown): CallFailure {
  const { service, method } = head;
  if (!(error instanceof ConnectError)) {
    return createFailure(
      "HANDLER_FAILED",
      `The handler of ${service}/${method} failed unexpectedly. The log of its plugin says how.`,
      { facts: { service, method } },
    );
  }
  const failure = toFailure(error);
  // It may be the failure of another call, which was not delivered; this one was.
  const delivered = { ...failure, notDelivered: false };
  return checkMetadata(failure.metadata, "plugin") === undefined
    ? delivered
    : { ...delivered, metadata: NO_METADATA };
}

export function requestCountWrong(desc: DescMethod, found: string): CallFailure {
  const service = desc.parent.typeName;
  const { name: method, methodKind: kind } = desc;
  return createFailure(
    "KIND_MISMATCH",
    `${service}/${method} is ${kind}: it takes exactly one request message, but ${found}.`,
    { facts: { service, method, kind } },
  );
}

export function answeredTooLate({ service, method }: CallHead): CallFailure {
  return createFailure("DEADLINE_EXCEEDED", `${service}/${method} was not answered before its deadline.`, {
    facts: { service, method },
  });
}
