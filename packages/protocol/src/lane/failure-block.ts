import { joinDetails, splitDetails } from "../error-info.js";
import type { CallFailure, FailureDetail } from "../failure.js";
import type { ByteReader } from "./byte-reader.js";
import { type ByteWriter, MAX_VARINT, textBound } from "./byte-writer.js";
import { metadataBound, readMetadata, writeMetadata } from "./metadata-block.js";
import { type NameReader, type NameWriter, nameBound, readName, writeName } from "./name-ref.js";

// Code, message, details, metadata. Reason, fault and facts travel as a google.rpc.ErrorInfo among the details, as they
// do everywhere else. `notDelivered` does not travel: it is not for a peer to say.

/** UTF-16 units of a message that is left when a failure is too large. */
const SHORTENED = 2_048;

const CODE_UNKNOWN = 2;

/** A failure on its way, with our own detail already encoded. */
export interface SentFailure {
  readonly failure: CallFailure;
  readonly details: readonly FailureDetail[];
}

/** A failure that takes no more than `room` bytes: what it carries is left out if need be. */
export function fitFailure(failure: CallFailure, room: number): SentFailure {
  const whole: SentFailure = { failure, details: joinDetails(failure.info, failure.details) };
  if (failureBound(whole) <= room) return whole;
  const { message, info } = failure;
  const rest: CallFailure = {
    ...failure,
    message: `${message.length > SHORTENED ? `${message.slice(0, SHORTENED)}…` : message} (Facts, details and metadata of this failure were too large to be sent.)`,
    info: info && { ...info, facts: {} },
    details: [],
    metadata: [],
  };
  return { failure: rest, details: joinDetails(rest.info, []) };
}

export function writeFailure(out: ByteWriter, { failure, details }: SentFailure, names: NameWriter): void {
  out.u8(failure.code);
  out.text(failure.message);
  out.varint(details.length);
  for (const { type, value } of details) {
    writeName(out, type, names);
    out.varint(value.length);
    out.raw(value);
  }
  writeMetadata(out, failure.metadata, names);
}

export function readFailure(from: ByteReader, names: NameReader, maxMetadata: number): CallFailure {
  const code = from.u8();
  const message = from.text();
  const encoded: FailureDetail[] = [];
  for (let left = from.varint(); left > 0; left--) {
    encoded.push({ type: readName(from, names), value: from.view(from.varint()).slice() });
  }
  const metadata = readMetadata(from, names, maxMetadata) ?? [];
  const { info, details } = splitDetails(encoded);
  return {
    code: code >= 1 && code <= 16 ? code : CODE_UNKNOWN,
    message,
    info,
    details,
    metadata,
    notDelivered: false,
  };
}

/** What `writeFailure` takes at most. */
export function failureBound({ failure, details }: SentFailure): number {
  let bound = 1 + MAX_VARINT + textBound(failure.message) + metadataBound(failure.metadata);
  for (const { type, value } of details) bound += nameBound(type) + MAX_VARINT + value.length;
  return bound;
}
