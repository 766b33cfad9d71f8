import type { ByteReader } from "./byte-reader.js";
import { type ByteWriter, MAX_VARINT, textBound } from "./byte-writer.js";
import { InternReader, InternWriter } from "./intern-table.js";

// Names that come again and again: of services, methods, metadata fields, plugins, grants.

/** Names that are remembered at a time, each way. */
export const NAME_SLOTS = 512;

/** Bytes of the longest name that is remembered. */
export const MAX_NAME = 1_024;

const LITERAL = 0;
const DEFINITION = 1;
const FIRST_SLOT = 2;

/** UTF-16 units of which no more than `MAX_NAME` bytes can come. */
const SURELY_SHORT = Math.floor(MAX_NAME / 3);

export type NameWriter = InternWriter<string>;
export type NameReader = InternReader<string>;

export function createNameWriter(): NameWriter {
  return new InternWriter(NAME_SLOTS);
}

export function createNameReader(): NameReader {
  return new InternReader(NAME_SLOTS, "name");
}

export function writeName(out: ByteWriter, name: string, names: NameWriter): void {
  const slot = names.slotOf(name);
  if (slot >= 0) {
    out.varint(FIRST_SLOT + slot);
    return;
  }
  if (name.length > SURELY_SHORT) {
    out.u8(LITERAL);
  } else {
    out.u8(DEFINITION);
    names.define(name);
  }
  out.text(name);
}

export function readName(from: ByteReader, names: NameReader): string {
  const tag = from.varint();
  if (tag >= FIRST_SLOT) return names.get(tag - FIRST_SLOT);
  const before = from.left;
  const name = from.text();
  if (tag === LITERAL) return name;
  if (before - from.left > MAX_NAME + 2)
    throw from.error(`the definition of a name of more than ${MAX_NAME} bytes`);
  names.define(name);
  return name;
}

/** What `writeName` takes at most. */
export function nameBound(name: string): number {
  return MAX_VARINT + textBound(name);
}
