import type { CallFailure, CallHandler, CallHead, RequestSink } from "@connect-plugin/protocol";
import { createFailure } from "@connect-plugin/protocol";

/** Sends each call to the handler of its service. Calls of other services go to `otherwise`. */
export function createServiceSwitch(
  handlers: ReadonlyMap<string, CallHandler>,
  otherwise: CallHandler = refuseCalls(unknownService),
): CallHandler {
  return {
    start(head, responses) {
      return (handlers.get(head.service) ?? otherwise).start(head, responses);
    },
  };
}

/** A handler that answers every call with a failure. */
export function refuseCalls(why: (head: CallHead) => CallFailure): CallHandler {
  return {
    start(head, responses) {
      responses.end([], why(head));
      return ignoredRequests;
    },
  };
}

/** The request sink of a call that is over before it began. */
export const ignoredRequests: RequestSink = {
  message: ignore,
  end: ignore,
  cancel: ignore,
  credit: ignore,
};

function ignore(): void {}

function unknownService(head: CallHead): CallFailure {
  return createFailure("UNKNOWN_METHOD", `Service ${head.service} is not offered here.`, {
    facts: { service: head.service, method: head.method },
  });
}
