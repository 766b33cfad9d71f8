import { createFailure } from "@connect-plugin/protocol";
import { toConnectError } from "./connect-failure.js";

// Between a single message and a stream of messages, which interceptors see for all kinds but unary.

export async function* singleMessage<T>(message: T): AsyncGenerator<T> {
  yield message;
}

/** Throws a `ConnectError` (KIND_MISMATCH) if there is not exactly one. */
export async function onlyMessage<T>(messages: AsyncIterable<T>): Promise<T> {
  const found: T[] = [];
  for await (const message of messages) {
    found.push(message);
    if (found.length > 1) break;
  }
  if (found.length === 1) return found[0] as T;
  throw toConnectError(
    createFailure(
      "KIND_MISMATCH",
      `Exactly one message was expected, but there ${found.length === 0 ? "was none" : "were more"}. An interceptor may have changed the stream.`,
    ),
  );
}
