const SLAB = 65_536;
/** What is shorter stays in the slab; what is longer gets bytes of its own. */
const SMALL = 4_096;
/** Up to here a loop over the characters beats a call into the engine. */
const SHORT_TEXT = 40;

const encoder = new TextEncoder();

/**
 * Writes messages one after another into a slab: making a typed array for each small message would cost more than
 * writing it. Bytes that were given away are never written to again.
 */
export class WireWriter {
  private bytes = new Uint8Array(SLAB);
  private view = new DataView(this.bytes.buffer);
  /** Where the message begins. */
  private start = 0;
  private at = 0;

  begin(): void {
    if (this.bytes.length !== SLAB || SLAB - this.at < 512) this.replace(SLAB);
    this.start = this.at;
  }

  finish(): Uint8Array {
    const { bytes, start, at } = this;
    if (bytes.length !== SLAB || at - start <= SMALL) return bytes.subarray(start, at);
    this.at = start;
    return bytes.slice(start, at);
  }

  /** Forgets what was written since `begin`. */
  discard(): void {
    this.at = this.start;
  }

  // ---- parts of which the length is only known at their end

  /** Leaves room for a length. Returns where, for `close`. */
  open(): number {
    this.reserve(1);
    this.at += 1;
    return this.at - this.start;
  }

  close(mark: number): void {
    const content = this.start + mark;
    const length = this.at - content;
    if (length < 0x80) {
      this.bytes[content - 1] = length;
      return;
    }
    const more = varintSize(length) - 1;
    this.reserve(more);
    const moved = this.start + mark;
    this.bytes.copyWithin(moved + more, moved, moved + length);
    this.at = moved - 1;
    this.varint(length);
    this.at += length;
  }

  // ---- values. Each makes room for itself.

  /** Unsigned, 32 bits. */
  varint(value: number): void {
    this.reserve(5);
    const { bytes } = this;
    let { at } = this;
    let rest = value;
    while (rest > 0x7f) {
      bytes[at] = (rest & 0x7f) | 0x80;
      at += 1;
      rest >>>= 7;
    }
    bytes[at] = rest;
    this.at = at + 1;
  }

  /** Signed, 32 bits: negative ones are written with 64. */
  signedVarint(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    this.varint64(value, -1);
  }

  /** Two halves of 32 bits. */
  varint64(low: number, high: number): void {
    this.reserve(10);
    const { bytes } = this;
    let { at } = this;
    let lo = low >>> 0;
    let hi = high >>> 0;
    while (hi > 0 || lo > 0x7f) {
      bytes[at] = (lo & 0x7f) | 0x80;
      at += 1;
      lo = ((lo >>> 7) | (hi << 25)) >>> 0;
      hi >>>= 7;
    }
    bytes[at] = lo;
    this.at = at + 1;
  }

  fixed32(value: number): void {
    this.reserve(4);
    this.view.setInt32(this.at, value, true);
    this.at += 4;
  }

  float(value: number): void {
    this.reserve(4);
    this.view.setFloat32(this.at, value, true);
    this.at += 4;
  }

  double(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  /** Signed or not: only the bits count. */
  fixed64(value: bigint): void {
    this.reserve(8);
    this.view.setBigInt64(this.at, value, true);
    this.at += 8;
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length);
    this.bytes.set(value, this.at);
    this.at += value.length;
  }

  /** With its length before it. */
  text(value: string): void {
    const { length } = value;
    this.reserve(length * 3 + 5);
    if (length > SHORT_TEXT || !this.ascii(value)) this.utf8(value);
  }

  /** Returns false, with nothing written, if there is a character that is not ASCII. */
  private ascii(value: string): boolean {
    const { bytes, at } = this;
    const { length } = value;
    for (let i = 0; i < length; i += 1) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[at + 1 + i] = code;
    }
    bytes[at] = length;
    this.at = at + 1 + length;
    return true;
  }

  private utf8(value: string): void {
    const { bytes, at } = this;
    // Right for ASCII; what is longer moves on.
    const room = varintSize(value.length);
    const { written } = encoder.encodeInto(value, bytes.subarray(at + room));
    const needed = varintSize(written);
    if (needed !== room) bytes.copyWithin(at + needed, at + room, at + room + written);
    this.varint(written);
    this.at += written;
  }

  private reserve(size: number): void {
    if (this.at + size > this.bytes.length) this.grow(size);
  }

  private grow(size: number): void {
    const { bytes, start, at } = this;
    const length = at - start;
    this.replace(Math.max(SLAB, 2 * (length + size)));
    this.bytes.set(bytes.subarray(start, at));
    this.start = 0;
    this.at = length;
  }

  private replace(size: number): void {
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
    this.start = 0;
    this.at = 0;
  }
}

function varintSize(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}
