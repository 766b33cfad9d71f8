import { gunzipSync } from "node:zlib";

/**
 * Inflates a message that a peer compressed.
 *
 * @throws RangeError if there is more in it than `limit` bytes
 */
export function inflate(bytes: Uint8Array, limit: number): Uint8Array {
  return gunzipSync(bytes, { maxOutputLength: limit });
}
