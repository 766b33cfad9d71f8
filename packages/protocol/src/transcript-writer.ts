import { encodeUtf8 } from "./utf8.js";

/**
 * Writes values one after another so that no two different sequences of the same kinds of value give the same bytes:
 * numbers have a fixed width, everything else says its length first. Big endian.
 */
export class TranscriptWriter {
  readonly #parts: Uint8Array[] = [];

  int32(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setInt32(0, value);
    return this.#add(part);
  }

  int64(value: bigint): this {
    const part = new Uint8Array(8);
    new DataView(part.buffer).setBigInt64(0, value);
    return this.#add(part);
  }

  bool(value: boolean): this {
    return this.#add(Uint8Array.of(value ? 1 : 0));
  }

  bytes(value: Uint8Array): this {
    return this.#size(value.byteLength).#add(value);
  }

  text(value: string): this {
    return this.bytes(encodeUtf8(value));
  }

  /** The number of elements, then each of them. */
  list<T>(values: readonly T[], write: (value: T) => void): this {
    this.#size(values.length);
    for (const value of values) write(value);
    return this;
  }

  texts(values: readonly string[]): this {
    return this.list(values, (value) => this.text(value));
  }

  int32s(values: readonly number[]): this {
    return this.list(values, (value) => this.int32(value));
  }

  /** A list of keys and values, ordered by the bytes of the keys. */
  map(values: Readonly<Record<string, string>>): this {
    const entries = Object.entries(values).map(
      ([key, value]) => [encodeUtf8(key), encodeUtf8(value)] as const,
    );
    entries.sort(([a], [b]) => compareBytes(a, b));
    return this.list(entries, ([key, value]) => this.bytes(key).bytes(value));
  }

  /** Everything written so far. */
  finish(): Uint8Array {
    const size = this.#parts.reduce((sum, part) => sum + part.byteLength, 0);
    const all = new Uint8Array(size);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.byteLength;
    }
    return all;
  }

  #size(value: number): this {
    const part = new Uint8Array(4);
    new DataView(part.buffer).setUint32(0, value);
    return this.#add(part);
  }

  #add(part: Uint8Array): this {
    this.#parts.push(part);
    return this;
  }
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.byteLength, b.byteLength);
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.byteLength - b.byteLength;
}
