import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { type Content, contentOf, tagOf } from "./content.js";
import { mapKey } from "./map-key.js";
import type { Fields, TypeOf } from "./message-ops.js";
import { ODD } from "./odd-value.js";
import { LENGTH_DELIMITED } from "./scalar-kind.js";
import type { WireReader } from "./wire-reader.js";

/** Reads what comes after a tag into a message. */
export type ReadField = (reader: WireReader, message: Fields, depth: number) => void;

/** By tag: a field may come in more than one form. */
export function readersOf(desc: DescMessage, typeOf: TypeOf): ReadonlyMap<number, ReadField> {
  const readers = new Map<number, ReadField>();
  for (const field of desc.fields) {
    const content = contentOf(field, typeOf);
    if (field.fieldKind === "map") {
      readers.set(tagOf(field.number, LENGTH_DELIMITED), readMapEntry(field, content));
    } else if (field.fieldKind === "list") {
      readers.set(tagOf(field.number, content.wireType), readItem(field.localName, content));
      if (content.packable) {
        readers.set(tagOf(field.number, LENGTH_DELIMITED), readPacked(field.localName, content));
      }
    } else {
      readers.set(tagOf(field.number, content.wireType), readSingular(field, content));
    }
  }
  return readers;
}

function readSingular(field: DescField, content: Content): ReadField {
  const { localName: name } = field;
  const { read } = content;
  if (field.oneof !== undefined) {
    const group = field.oneof.localName;
    return (reader, message, depth) => {
      const { case: selected, value: existing } = message[group] as { case: unknown; value?: unknown };
      const value = read(reader, depth, selected === name ? existing : undefined);
      message[group] = { case: name, value };
    };
  }
  if (field.fieldKind === "message") {
    return (reader, message, depth) => {
      message[name] = read(reader, depth, message[name]);
    };
  }
  return (reader, message, depth) => {
    message[name] = read(reader, depth, undefined);
  };
}

function readItem(name: string, { read }: Content): ReadField {
  return (reader, message, depth) => {
    (message[name] as unknown[]).push(read(reader, depth, undefined));
  };
}

function readPacked(name: string, { read }: Content): ReadField {
  return (reader, message, depth) => {
    const items = message[name] as unknown[];
    const end = reader.end();
    while (reader.at < end) items.push(read(reader, depth, undefined));
    if (reader.at !== end) throw ODD;
  };
}

function readMapEntry(field: DescField & { fieldKind: "map" }, content: Content): ReadField {
  const { localName: name } = field;
  const key = mapKey(field.mapKey, field.utf8Validation);
  const keyTag = tagOf(1, key.scalar.wireType);
  const valueTag = tagOf(2, content.wireType);
  return (reader, message, depth) => {
    let property: unknown = key.scalar.zero;
    let value: unknown;
    const end = reader.end();
    while (reader.at < end) {
      const tag = reader.tag();
      if (tag === keyTag) property = key.scalar.read(reader);
      else if (tag === valueTag) value = content.read(reader, depth, undefined);
      else throw ODD;
    }
    if (reader.at !== end) throw ODD;
    (message[name] as Fields)[key.property(property)] = value ?? content.zero();
  };
}
