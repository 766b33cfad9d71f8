import { ODD } from "./odd-value.js";

/** Up to here a loop over the characters beats a call into the engine. */
const SHORT_TEXT = 12;

const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true });
const scratch = new DataView(new ArrayBuffer(8));
const NO_BYTES = new Uint8Array(0);

/** Reads one message. Throws for all that is not as an encoder would write it. */
export class WireReader {
  at = 0;
  /** Upper half of what `varint64` has read. */
  high = 0;
  private bytes: Uint8Array = NO_BYTES;
  private length = 0;
  private view: DataView | undefined = undefined;
  private owned = false;

  /** With `owned`, what is read may point into the bytes. */
  begin(bytes: Uint8Array, owned: boolean): void {
    this.bytes = bytes;
    this.length = bytes.length;
    this.at = 0;
    this.view = undefined;
    this.owned = owned;
  }

  /** Lets go of the bytes. */
  finish(): void {
    this.bytes = NO_BYTES;
    this.view = undefined;
  }

  tag(): number {
    const first = this.bytes[this.at] as number;
    if (first < 0x80) {
      this.at += 1;
      return first;
    }
    const start = this.at;
    const tag = this.varint();
    if (this.at - start > 4 && (this.at - start > 5 || (this.bytes[this.at - 1] as number) > 0x0f)) throw ODD;
    return tag;
  }

  /** Unsigned, 32 bits; what is longer is cut off. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    let value = byte & 0x7f;
    if (byte < 0x80) return value;
    byte = bytes[this.at++] as number;
    value |= (byte & 0x7f) << 7;
    if (byte < 0x80) return value;
    byte = bytes[this.at++] as number;
    value |= (byte & 0x7f) << 14;
    if (byte < 0x80) return value;
    byte = bytes[this.at++] as number;
    value |= (byte & 0x7f) << 21;
    if (byte < 0x80) return value;
    byte = bytes[this.at++] as number;
    value |= (byte & 0x0f) << 28;
    for (let i = 5; byte >= 0x80 && i < 10; i += 1) byte = bytes[this.at++] as number;
    if (!(byte < 0x80)) throw ODD;
    return value >>> 0;
  }

  /** Returns the lower half. */
  varint64(): number {
    const { bytes } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.high = high;
        return low;
      }
    }
    throw ODD;
  }

  fixed32(): number {
    const value = this.viewed().getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  sfixed32(): number {
    const value = this.viewed().getInt32(this.at, true);
    this.at += 4;
    return value;
  }

  fixed64(): bigint {
    const value = this.viewed().getBigUint64(this.at, true);
    this.at += 8;
    return value;
  }

  sfixed64(): bigint {
    const value = this.viewed().getBigInt64(this.at, true);
    this.at += 8;
    return value;
  }

  float(): number {
    const value = this.viewed().getFloat32(this.at, true);
    this.at += 4;
    return value;
  }

  double(): number {
    const value = this.viewed().getFloat64(this.at, true);
    this.at += 8;
    return value;
  }

  /** A length, and so much after it. Returns where that ends. */
  end(): number {
    const length = this.varint();
    const end = this.at + length;
    if (end > this.length) throw ODD;
    return end;
  }

  raw(start: number, end: number): Uint8Array {
    if (end > this.length) throw ODD;
    if (!this.owned) return new Uint8Array(this.bytes.subarray(start, end));
    const { bytes } = this;
    // Not of the class of the bytes: Node's Buffer is another.
    return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
  }

  /** Bytes with their length before them. */
  delimited(): Uint8Array {
    const end = this.end();
    const bytes = this.raw(this.at, end);
    this.at = end;
    return bytes;
  }

  /** With its length before it. */
  text(strict: boolean): string {
    const end = this.end();
    const start = this.at;
    this.at = end;
    if (start === end) return "";
    const short = end - start > SHORT_TEXT ? undefined : this.ascii(start, end);
    if (short !== undefined) return short;
    return (strict ? strictDecoder : decoder).decode(this.bytes.subarray(start, end));
  }

  private ascii(start: number, end: number): string | undefined {
    const { bytes } = this;
    let text = "";
    for (let i = start; i < end; i += 1) {
      const code = bytes[i] as number;
      if (code > 0x7f) return undefined;
      text += String.fromCharCode(code);
    }
    return text;
  }

  private viewed(): DataView {
    const { bytes } = this;
    this.view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.view;
  }
}

/** From two halves of 32 bits. */
export function toInt64(low: number, high: number): bigint {
  if (high === 0 && low >= 0) return BigInt(low);
  scratch.setInt32(0, low, true);
  scratch.setInt32(4, high, true);
  return scratch.getBigInt64(0, true);
}

/** From two halves of 32 bits. */
export function toUint64(low: number, high: number): bigint {
  if (high === 0) return BigInt(low >>> 0);
  scratch.setInt32(0, low, true);
  scratch.setInt32(4, high, true);
  return scratch.getBigUint64(0, true);
}

/** The lower half of 32 bits. */
export function lowHalf(value: bigint): number {
  scratch.setBigInt64(0, value, true);
  return scratch.getInt32(0, true);
}

/** The upper half, of the value that `lowHalf` was asked for last. */
export function highHalf(): number {
  return scratch.getInt32(4, true);
}
