import { encodeUtf8Into, utf8Length } from "../utf8.js";

/** What is written when a buffer is full: makes room for `needed` bytes at `writer.at`. */
export type MakeRoom = (writer: ByteWriter, needed: number) => void;

/**
 * Writes integers, texts and bytes into a buffer. Only `reserve` looks at the room that is left: reserve what the
 * next writes take at most.
 */
export class ByteWriter {
  bytes: Uint8Array;
  at = 0;
  readonly #makeRoom: MakeRoom;

  constructor(bytes: Uint8Array, makeRoom: MakeRoom = grow) {
    this.bytes = bytes;
    this.#makeRoom = makeRoom;
  }

  reserve(size: number): void {
    if (this.at + size > this.bytes.length) this.#makeRoom(this, size);
  }

  u8(value: number): void {
    this.bytes[this.at++] = value;
  }

  u16(value: number): void {
    this.bytes[this.at++] = value >>> 8;
    this.bytes[this.at++] = value;
  }

  u32(value: number): void {
    const { bytes, at } = this;
    bytes[at] = value >>> 24;
    bytes[at + 1] = value >>> 16;
    bytes[at + 2] = value >>> 8;
    bytes[at + 3] = value;
    this.at = at + 4;
  }

  /** Seven bits a byte, lowest first, up to `Number.MAX_SAFE_INTEGER`. */
  varint(value: number): void {
    let rest = value;
    while (rest > 0x7fff_ffff) {
      this.bytes[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      this.bytes[this.at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.at++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** Length in bytes, then UTF-8. */
  text(text: string): void {
    const start = this.at;
    const guess = varintSize(text.length);
    const written = encodeUtf8Into(text, this.bytes.subarray(start + guess));
    const size = varintSize(written);
    if (size !== guess) this.bytes.copyWithin(start + size, start + guess, start + guess + written);
    this.varint(written);
    this.at += written;
  }
}

/** Bytes of the longest varint. */
export const MAX_VARINT = 8;

/** What `text` takes at most: a guess is good enough where it is short. */
export function textBound(text: string): number {
  return MAX_VARINT + (text.length < 16 ? text.length * 3 : utf8Length(text));
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 0x7f; rest >>>= 7) size += 1;
  return size;
}

function grow(writer: ByteWriter, needed: number): void {
  const larger = new Uint8Array(Math.max(writer.bytes.length * 2, writer.at + needed));
  larger.set(writer.bytes.subarray(0, writer.at));
  writer.bytes = larger;
}
