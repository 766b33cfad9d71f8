import type { CallFailure, Fault, Metadata } from "@connect-plugin/protocol";
import { createFailure } from "@connect-plugin/protocol";
import type { CallOptions } from "@connectrpc/connect";
import { toConnectError } from "./connect-failure.js";

/** What the fetch API takes for headers. */
export type HeaderFields = NonNullable<CallOptions["headers"]>;

/** Names and values of one header or trailer, in bytes. */
export const MAX_METADATA_BYTES = 16_384;

/** No fields. */
export const NO_METADATA: Metadata = [];

const NAME = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;
const VALUE = /^[\x20-\x7e]*$/;

/** What is wrong with these fields, if anything is. `whose` is to blame for it. */
export function checkMetadata(metadata: Metadata, whose: Fault): CallFailure | undefined {
  let size = 0;
  for (const [name, value] of metadata) {
    if (!NAME.test(name)) {
      return invalid(whose, `Metadata names are lower-case HTTP tokens; ${JSON.stringify(name)} is not one.`);
    }
    if (!VALUE.test(value)) {
      // The value may be a secret: it is not shown.
      return invalid(
        whose,
        `Metadata values are printable ASCII; the value of ${JSON.stringify(name)} is not. Send other data base64-encoded, under a name that ends in -bin.`,
      );
    }
    size += name.length + value.length;
  }
  if (size <= MAX_METADATA_BYTES) return undefined;
  return createFailure(
    "METADATA_TOO_LARGE",
    `Metadata may have ${MAX_METADATA_BYTES} bytes; this has ${size}. Send data of that size in a message.`,
    { fault: whose, facts: { limit: String(MAX_METADATA_BYTES), size: String(size) } },
  );
}

/** Reads what a user gave as headers. Throws a `ConnectError` (METADATA_INVALID or METADATA_TOO_LARGE). */
export function toMetadata(fields: HeaderFields, whose: Fault): Metadata {
  const metadata: (readonly [string, string])[] = [];
  for (const [name, value] of pairs(fields)) metadata.push([name.toLowerCase(), String(value)]);
  const failure = checkMetadata(metadata, whose);
  if (failure !== undefined) throw toConnectError(failure);
  return metadata;
}

/** As a `Headers`. Fields must have been checked. */
export function toHeaders(metadata: Metadata): Headers {
  const headers = new Headers();
  addToHeaders(headers, metadata);
  return headers;
}

export function addToHeaders(headers: Headers, metadata: Metadata): void {
  for (const [name, value] of metadata) headers.append(name, value);
}

// Not by way of `Headers`: it is slow, joins fields of one name, and its errors show the value.
function pairs(fields: HeaderFields): Iterable<readonly [string, string]> {
  if (Symbol.iterator in fields) return fields as Iterable<[string, string]>;
  return Object.entries(fields as Record<string, string>);
}

function invalid(fault: Fault, message: string): CallFailure {
  return createFailure("METADATA_INVALID", message, { fault });
}
