import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { type CallFailure, joinDetails, type Metadata } from "@connect-plugin/protocol";
import { isMetadata } from "../field-use.js";
import { toUnpaddedBase64 } from "./error-json.js";

/** How a call ended, as fields of gRPC: status and metadata. */
export function toGrpcTrailer(trailer: Metadata, failure: CallFailure | undefined): Metadata {
  const fields: (readonly [string, string])[] = [];
  if (failure === undefined) {
    fields.push(["grpc-status", "0"]);
  } else {
    const details = joinDetails(failure.info, failure.details);
    fields.push(["grpc-status", String(failure.code)]);
    if (failure.message !== "") fields.push(["grpc-message", percentEncode(failure.message)]);
    if (details.length > 0) fields.push(["grpc-status-details-bin", toUnpaddedBase64(encodeStatus(failure))]);
    for (const field of failure.metadata) if (isMetadata(field[0])) fields.push(field);
  }
  for (const field of trailer) if (isMetadata(field[0])) fields.push(field);
  return fields;
}

/** A google.rpc.Status. */
function encodeStatus(failure: CallFailure): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(1, WireType.Varint).int32(failure.code);
  if (failure.message !== "") writer.tag(2, WireType.LengthDelimited).string(failure.message);
  for (const { type, value } of joinDetails(failure.info, failure.details)) {
    writer.tag(3, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(`type.googleapis.com/${type}`);
    writer.tag(2, WireType.LengthDelimited).bytes(value);
    writer.join();
  }
  return writer.finish();
}

const PLAIN = /^[\x20-\x24\x26-\x7e]*$/;

function percentEncode(text: string): string {
  if (PLAIN.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text, "utf8")) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
