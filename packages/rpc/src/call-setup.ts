import { type CallFailure, createFailure, type Metadata } from "@connect-plugin/protocol";
import { type CallOptions, ConnectError } from "@connectrpc/connect";
import type { ParentCall } from "./call-context.js";
import type { ClientMethod } from "./client-method.js";
import { toFailure } from "./connect-failure.js";
import { toMetadata } from "./metadata.js";

/** connect-es's `CallOptions`, and ours. */
export interface ServiceCallOptions extends CallOptions {
  /**
   * Whether the call stands alone, though another is being handled: it then outlives that one's deadline and
   * cancellation, and policy does not see for whom it is made. Default false.
   */
  readonly detached?: boolean;
}

/** One call about to be made. */
export interface CallSetup {
  /** On the `performance.now()` clock, in ms; `Infinity` for none. */
  readonly deadline: number;
  /** Whether the deadline, which may be another call's, has passed already. */
  readonly isLate: boolean;
  /** For what people are told of the deadline. */
  readonly timeoutMs: number;
  readonly header: Metadata;
  readonly signal: AbortSignal | undefined;
  /** In flight, or undefined. */
  readonly parent: ParentCall | undefined;
}

const ALONE: ServiceCallOptions = {};

/** Throws a `ConnectError` if the headers cannot be sent. */
export function setUpCall(method: ClientMethod, options: ServiceCallOptions = ALONE): CallSetup {
  const parent = options.detached === true ? undefined : method.parent?.();
  const living = parent === undefined || parent.finished ? undefined : parent;
  const given = options.timeoutMs ?? method.defaultTimeoutMs;
  const now = performance.now();
  const own = given > 0 ? now + given : Number.POSITIVE_INFINITY;
  const deadline = living === undefined ? own : Math.min(own, living.deadline);
  return {
    deadline,
    isLate: deadline <= now,
    timeoutMs: given,
    header: options.headers === undefined ? method.header : joinHeader(method, options.headers),
    signal: options.signal,
    parent: living,
  };
}

function joinHeader(method: ClientMethod, headers: NonNullable<CallOptions["headers"]>): Metadata {
  const own = toMetadata(headers, "caller");
  return method.header.length === 0 ? own : [...method.header, ...own];
}

/** The call took too long. */
export function deadlinePassed(method: ClientMethod, setup: CallSetup): CallFailure {
  const name = `${method.service}/${method.desc.name}`;
  const { parent, deadline, timeoutMs } = setup;
  const message =
    parent !== undefined && parent.deadline === deadline
      ? `${name} was not answered before the deadline of the call that it was made for.`
      : `${name} was not answered within ${timeoutMs} ms. Set timeoutMs if it may take longer.`;
  return createFailure("DEADLINE_EXCEEDED", message, {
    facts: { service: method.service, method: method.desc.name },
  });
}

/** A signal ended the call. One that was aborted with a `ConnectError`, as that of a handler is, says why itself. */
export function aborted(method: ClientMethod, signal: AbortSignal): CallFailure {
  const reason: unknown = signal.reason;
  if (reason instanceof ConnectError) {
    const failure = toFailure(reason);
    return failure.notDelivered ? { ...failure, notDelivered: false } : failure;
  }
  return cancelled(method, "its caller's signal was aborted");
}

export function cancelled(method: ClientMethod, why: string): CallFailure {
  return createFailure("CANCELLED", `${method.service}/${method.desc.name} was cancelled: ${why}.`, {
    facts: { service: method.service, method: method.desc.name },
  });
}
