import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FAILURE_DOMAIN, type FailureDetail, type FailureInfo } from "./failure.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { type Fault, isReason, reasonInfo } from "./reason.js";

// Which of a failure's details is ours, and how it looks on the wire. The fault travels among the facts.

const FAULT = "fault";

const faults: ReadonlySet<string> = new Set<Fault>(["host", "plugin", "caller", "operator", "application"]);

/** The error detail that says a failure is one of ours. A fact called `fault` is not sent: the fault itself is. */
export function encodeFailureInfo(info: FailureInfo): FailureDetail {
  const message = create(ErrorInfoSchema, {
    reason: info.reason,
    domain: FAILURE_DOMAIN,
    metadata: { ...info.facts, [FAULT]: info.fault },
  });
  return { type: ErrorInfoSchema.typeName, value: toBinary(ErrorInfoSchema, message) };
}

/**
 * Reads an error detail. Undefined if it is not one of ours: another type, another domain, bytes that do not decode,
 * or a reason that only a newer peer knows.
 */
export function decodeFailureInfo(detail: FailureDetail): FailureInfo | undefined {
  if (detail.type !== ErrorInfoSchema.typeName) return undefined;
  const message = decode(detail.value);
  if (message === undefined || message.domain !== FAILURE_DOMAIN || !isReason(message.reason))
    return undefined;
  const { [FAULT]: fault, ...facts } = message.metadata;
  return {
    reason: message.reason,
    fault: isFault(fault) ? fault : reasonInfo(message.reason).fault,
    facts,
  };
}

/** All details of a failure as they travel: ours, if there is one, before those of the application. */
export function joinDetails(
  info: FailureInfo | undefined,
  details: readonly FailureDetail[],
): readonly FailureDetail[] {
  return info === undefined ? details : [encodeFailureInfo(info), ...details];
}

/** The other way: takes the first detail of ours out. What is not understood stays among the details, untouched. */
export function splitDetails(details: readonly FailureDetail[]): {
  readonly info: FailureInfo | undefined;
  readonly details: readonly FailureDetail[];
} {
  for (const [index, detail] of details.entries()) {
    const info = decodeFailureInfo(detail);
    if (info !== undefined) return { info, details: details.toSpliced(index, 1) };
  }
  return { info: undefined, details };
}

function decode(bytes: Uint8Array) {
  try {
    return fromBinary(ErrorInfoSchema, bytes);
  } catch {
    // Bytes of another peer under a name we know: theirs to explain, not ours to fail on.
    return undefined;
  }
}

function isFault(text: string | undefined): text is Fault {
  return text !== undefined && faults.has(text);
}
