import { type CallFailure, createFailure } from "@connect-plugin/protocol";

/** @param size as far as it is known */
export function requestTooLarge(limit: number, size: number): CallFailure {
  return createFailure(
    "MESSAGE_TOO_LARGE",
    `A request message may have ${limit} bytes; this one has at least ${size}. Send less at a time (a stream, say), or raise the limit.`,
    { facts: { limit: String(limit) } },
  );
}

export function invalidRequest(message: string): CallFailure {
  return createFailure("REQUEST_INVALID", message);
}
