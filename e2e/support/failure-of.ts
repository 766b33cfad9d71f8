import { type Fault, isReason } from "@connect-plugin/protocol";
import { failureInfo } from "@connect-plugin/rpc";
import { Code, ConnectError } from "@connectrpc/connect";

/** A failed operation, in the parts that tests look at. */
export interface Failure {
  /** By name, such as `Unavailable`. */
  readonly code: string;
  readonly message: string;
  /** Absent for an application's own error. */
  readonly reason: string | undefined;
  readonly fault: Fault | undefined;
  readonly facts: Readonly<Record<string, string>>;
  readonly error: ConnectError;
}

/** How an operation failed, which it must. Anything but a ConnectError is thrown on: it would be a bug. */
export async function failureOf(operation: PromiseLike<unknown>): Promise<Failure> {
  let outcome: unknown;
  try {
    outcome = await operation;
  } catch (error) {
    return describeFailure(error);
  }
  throw new Error(`wanted a failure, found ${String(outcome)}`);
}

export function describeFailure(error: unknown): Failure {
  if (!(error instanceof ConnectError)) throw error;
  const info = failureInfo(error);
  if (info !== undefined && !isReason(info.reason)) throw new Error(`${info.reason} is no reason of ours`);
  return {
    code: Code[error.code] ?? String(error.code),
    message: error.rawMessage,
    reason: info?.reason,
    fault: info?.fault,
    facts: info?.facts ?? {},
    error,
  };
}
