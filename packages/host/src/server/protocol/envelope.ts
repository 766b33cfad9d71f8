import type { CallFailure, Metadata } from "@connect-plugin/protocol";
import { isMetadata } from "../field-use.js";
import { toErrorJson } from "./error-json.js";

const PREFIX = 5;

/** A message, or an end, in its envelope. Copies the bytes. */
export function envelope(flags: number, bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX + bytes.byteLength);
  frame[0] = flags;
  frame.writeUInt32BE(bytes.byteLength, 1);
  frame.set(bytes, PREFIX);
  return frame;
}

/** How a stream of Connect ended. */
export function connectEndJson(trailer: Metadata, failure: CallFailure | undefined): Uint8Array {
  const metadata: Record<string, string[]> = {};
  for (const [name, value] of [...(failure?.metadata ?? []), ...trailer]) {
    if (!isMetadata(name)) continue;
    metadata[name] ??= [];
    metadata[name].push(value);
  }
  return Buffer.from(
    JSON.stringify({
      ...(failure === undefined ? {} : { error: toErrorJson(failure) }),
      ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
    }),
  );
}

/** The trailer of gRPC-Web, which is part of the body. */
export function grpcWebTrailer(trailer: Metadata): Uint8Array {
  return Buffer.from(trailer.map(([name, value]) => `${name}: ${value}\r\n`).join(""), "latin1");
}
