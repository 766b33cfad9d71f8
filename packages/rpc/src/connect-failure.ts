import { create, toBinary } from "@bufbuild/protobuf";
import {
  type CallFailure,
  createFailure,
  type FailureDetail,
  type FailureInfo,
  type FailureOptions,
  joinDetails,
  type Metadata,
  type Reason,
  splitDetails,
} from "@connect-plugin/protocol";
import { type Code, ConnectError } from "@connectrpc/connect";

/** Where an error came from, so that a failure survives being thrown and caught: some of it has no place in an error. */
const origins = new WeakMap<ConnectError, CallFailure>();

/** The error that users see. A failure of ours has a google.rpc.ErrorInfo as its first detail. */
export function toConnectError(failure: CallFailure): ConnectError {
  const error = new ConnectError(failure.message, failure.code as Code, headersOf(failure.metadata));
  error.details = joinDetails(failure.info, failure.details).map((detail) => ({ ...detail }));
  origins.set(error, failure);
  return error;
}

/**
 * The failure that an error stands for. An error that is no `ConnectError` says nothing that may be passed on: it
 * becomes a failure of the reason `otherwise` (default HANDLER_FAILED) without its text.
 */
export function toFailure(error: unknown, otherwise: Reason = "HANDLER_FAILED"): CallFailure {
  if (!(error instanceof ConnectError)) {
    return createFailure(
      otherwise,
      "Failed unexpectedly. The log of the side at fault has the error itself.",
    );
  }
  const origin = origins.get(error);
  if (origin !== undefined && isUnchanged(error, origin)) return origin;
  const { info, details } = splitDetails(encodeDetails(error));
  return {
    code: error.code,
    message: error.rawMessage,
    info,
    details,
    metadata: [...error.metadata],
    notDelivered: origin?.notDelivered ?? false,
  };
}

/** A failure of ours, to be thrown. */
export function failureError(reason: Reason, message: string, options?: FailureOptions): ConnectError {
  return toConnectError(createFailure(reason, message, options));
}

/** Reason, fault and facts, if the error is one of ours, wherever it was made. */
export function failureInfo(error: unknown): FailureInfo | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  return splitDetails(encodeDetails(error)).info;
}

function headersOf(metadata: Metadata): Headers | undefined {
  if (metadata.length === 0) return undefined;
  const headers = new Headers();
  for (const [name, value] of metadata) headers.append(name, value);
  return headers;
}

function isUnchanged(error: ConnectError, origin: CallFailure): boolean {
  if (error.details.length !== origin.details.length + (origin.info === undefined ? 0 : 1)) return false;
  const now = [...error.metadata];
  const then = [...(headersOf(origin.metadata) ?? [])];
  return (
    now.length === then.length &&
    now.every(([name, value], i) => name === then[i]?.[0] && value === then[i][1])
  );
}

function encodeDetails(error: ConnectError): FailureDetail[] {
  const encoded: FailureDetail[] = [];
  for (const detail of error.details) {
    if (!("desc" in detail)) {
      encoded.push({ type: detail.type, value: detail.value });
      continue;
    }
    try {
      encoded.push({
        type: detail.desc.typeName,
        value: toBinary(detail.desc, create(detail.desc, detail.value)),
      });
    } catch {
      // The error itself matters more than a detail that cannot be encoded.
    }
  }
  return encoded;
}
