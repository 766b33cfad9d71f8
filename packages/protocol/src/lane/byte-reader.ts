import { decodeUtf8 } from "../utf8.js";
import { LaneProtocolError } from "./lane-rule.js";

/** Reads what a `ByteWriter` wrote. Throws a `LaneProtocolError` where there is less than what is asked for. */
export class ByteReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  /** What is being read, for errors. */
  #what = "";

  reset(bytes: Uint8Array, start: number, end: number, what: string): void {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
    this.#what = what;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  u8(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  u16(): number {
    const at = this.#take(2);
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number);
  }

  u32(): number {
    return readU32(this.#bytes, this.#take(4));
  }

  varint(): number {
    let value = this.u8();
    if (value < 0x80) return value;
    value &= 0x7f;
    for (let scale = 0x80; ; scale *= 0x80) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw this.error("a number of more than 53 bits");
      if (byte < 0x80) return value;
      if (scale >= 2 ** 49) throw this.error("a number of more than 8 bytes");
    }
  }

  text(): string {
    const length = this.varint();
    if (length === 0) return "";
    const bytes = this.view(length);
    try {
      return decodeUtf8(bytes);
    } catch {
      throw this.error("a text that is not UTF-8");
    }
  }

  /** The next bytes, not copied. */
  view(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  error(found: string): LaneProtocolError {
    return new LaneProtocolError("frame-content", `${this.#what} must be well-formed, but has ${found}`);
  }

  #take(size: number): number {
    const at = this.#at;
    if (at + size > this.#end) {
      throw this.error(`${this.left} more bytes where ${size} more are needed`);
    }
    this.#at = at + size;
    return at;
  }
}

/** Big-endian. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
