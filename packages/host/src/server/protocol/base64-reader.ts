const INVALID = /[^A-Za-z0-9+/=]/;
const GROUP = 4;

/**
 * Reads base64 as it comes, in chunks cut anywhere. What was encoded in parts may have padding in the middle.
 */
export class Base64Reader {
  private rest = "";

  /** Whether a group of four characters has begun and is not complete. */
  get inside(): boolean {
    return this.rest !== "";
  }

  /** The bytes of all complete groups; undefined if this is no base64. */
  read(chunk: Uint8Array): Uint8Array | undefined {
    const text = this.rest + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    if (INVALID.test(text)) return undefined;
    const complete = text.length - (text.length % GROUP);
    this.rest = text.slice(complete);
    const parts: Buffer[] = [];
    let from = 0;
    while (from < complete) {
      const padding = text.indexOf("=", from);
      if (padding < 0 || padding >= complete) {
        parts.push(Buffer.from(text.slice(from, complete), "base64"));
        break;
      }
      // Padding stands at the end of a group, in its third or fourth place.
      const end = padding - ((padding - from) % GROUP) + GROUP;
      if (!/^[^=]{2,3}=+$/.test(text.slice(end - GROUP, end))) return undefined;
      parts.push(Buffer.from(text.slice(from, end), "base64"));
      from = end;
    }
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }
}
