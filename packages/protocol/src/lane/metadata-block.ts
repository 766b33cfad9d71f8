import type { Metadata } from "../call.js";
import { utf8Length } from "../utf8.js";
import type { ByteReader } from "./byte-reader.js";
import { type ByteWriter, MAX_VARINT, textBound } from "./byte-writer.js";
import { type NameReader, type NameWriter, nameBound, readName, writeName } from "./name-ref.js";

/** Fields that a header or trailer may have, however short. */
export const MAX_METADATA_FIELDS = 512;

const NONE: Metadata = [];

/** What a header or trailer counts for: the bytes of its names and values. `Infinity` for too many fields. */
export function metadataSize(metadata: Metadata): number {
  if (metadata.length > MAX_METADATA_FIELDS) return Number.POSITIVE_INFINITY;
  let size = 0;
  for (const [name, value] of metadata) size += utf8Length(name) + utf8Length(value);
  return size;
}

export function writeMetadata(out: ByteWriter, metadata: Metadata, names: NameWriter): void {
  out.varint(metadata.length);
  for (const [name, value] of metadata) {
    writeName(out, name, names);
    out.text(value);
  }
}

/**
 * Reads all fields, since names may be defined among them, but keeps none once they are more than `limit` bytes:
 * then the answer is undefined.
 */
export function readMetadata(from: ByteReader, names: NameReader, limit: number): Metadata | undefined {
  const count = from.varint();
  if (count === 0) return NONE;
  let fields: [string, string][] | undefined = [];
  let size = 0;
  for (let i = 0; i < count; i++) {
    const name = readName(from, names);
    const value = from.text();
    size += utf8Length(name) + utf8Length(value);
    if (size > limit || i >= MAX_METADATA_FIELDS) fields = undefined;
    fields?.push([name, value]);
  }
  return fields;
}

/** What `writeMetadata` takes at most. */
export function metadataBound(metadata: Metadata): number {
  let bound = MAX_VARINT;
  for (const [name, value] of metadata) bound += nameBound(name) + textBound(value);
  return bound;
}
