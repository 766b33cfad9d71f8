import type { Metadata } from "./call.js";
import { type Fault, type Reason, reasonInfo } from "./reason.js";

/** Domain of every reason of ours, as in google.rpc.ErrorInfo. */
export const FAILURE_DOMAIN = "connectplugin.dev";

/**
 * A failed call as plain data: what carriers pass on. The ends turn it into a `ConnectError` and back.
 */
export interface CallFailure {
  /** A Connect (gRPC) code, 1 to 16. */
  readonly code: number;
  readonly message: string;
  /** Present when the failure is one of ours; a handler's own error has none unless it threw one of ours. */
  readonly info: FailureInfo | undefined;
  /** Error details of the application, still encoded. */
  readonly details: readonly FailureDetail[];
  /** Error metadata of the application. */
  readonly metadata: Metadata;
  /**
   * The provider cannot have seen the call. Only ever set by the connection code of this process, never read from a
   * wire: a router may choose another provider only on its own evidence.
   */
  readonly notDelivered: boolean;
}

/** Shaped like google.rpc.ErrorInfo; `fault` and the other facts travel in its metadata. */
export interface FailureInfo {
  readonly reason: Reason;
  readonly fault: Fault;
  /** Never secrets, tokens or payloads. */
  readonly facts: Readonly<Record<string, string>>;
}

export interface FailureDetail {
  /** Fully qualified Protobuf name of the message. */
  readonly type: string;
  readonly value: Uint8Array;
}

export interface FailureOptions {
  /** Whose fault it was, where it is not the usual one of the reason. */
  readonly fault?: Fault;
  readonly facts?: Readonly<Record<string, string>>;
  readonly notDelivered?: boolean;
}

/** Makes a failure of ours. The message says what was wanted, what was found, and what to do next. */
export function createFailure(reason: Reason, message: string, options: FailureOptions = {}): CallFailure {
  const known = reasonInfo(reason);
  return {
    code: known.code,
    message,
    info: { reason, fault: options.fault ?? known.fault, facts: options.facts ?? {} },
    details: [],
    metadata: [],
    notDelivered: options.notDelivered ?? false,
  };
}
