import { gunzipSync } from "node:zlib";

/** Inflates gzip into no more than so many bytes. Throws a RangeError beyond. */
export function inflate(bytes: Uint8Array, limit: number): Uint8Array {
  return gunzipSync(bytes, { maxOutputLength: limit });
}
