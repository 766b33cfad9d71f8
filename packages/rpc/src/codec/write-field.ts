import type { DescField } from "@bufbuild/protobuf";
import { type Content, contentOf, tagOf } from "./content.js";
import { mapKey } from "./map-key.js";
import type { Fields, TypeOf } from "./message-ops.js";
import { ODD } from "./odd-value.js";
import { hasPresence, isRequired } from "./presence.js";
import { LENGTH_DELIMITED } from "./scalar-kind.js";
import type { WireWriter } from "./wire-writer.js";

/** Writes a field of a message if it is set. */
export type WriteField = (writer: WireWriter, message: Fields) => void;

export function writeField(field: DescField, typeOf: TypeOf): WriteField {
  const content = contentOf(field, typeOf);
  if (field.fieldKind === "map") return writeMap(field, content);
  if (field.fieldKind === "list") {
    return field.packed && content.packable ? writePacked(field, content) : writeList(field, content);
  }
  return writeSingular(field, content);
}

function writeSingular(field: DescField, content: Content): WriteField {
  const { localName: name } = field;
  const { isZero, write } = content;
  const tag = tagOf(field.number, content.wireType);
  if (field.oneof !== undefined) {
    const group = field.oneof.localName;
    return (writer, message) => {
      const { case: selected, value } = message[group] as { case: unknown; value?: unknown };
      if (selected !== name) return;
      writer.varint(tag);
      write(writer, value);
    };
  }
  if (hasPresence(field)) {
    const required = isRequired(field);
    return (writer, message) => {
      const value = message[name];
      if (value === undefined || !Object.hasOwn(message, name)) {
        if (required) throw ODD;
        return;
      }
      writer.varint(tag);
      write(writer, value);
    };
  }
  return (writer, message) => {
    const value = message[name];
    if (isZero(value)) return;
    writer.varint(tag);
    write(writer, value);
  };
}

function writeList(field: DescField, content: Content): WriteField {
  const { localName: name } = field;
  const { write } = content;
  const tag = tagOf(field.number, content.wireType);
  return (writer, message) => {
    for (const value of itemsOf(message[name])) {
      writer.varint(tag);
      write(writer, value);
    }
  };
}

function writePacked(field: DescField, content: Content): WriteField {
  const { localName: name } = field;
  const { write } = content;
  const tag = tagOf(field.number, LENGTH_DELIMITED);
  return (writer, message) => {
    const items = itemsOf(message[name]);
    if (items.length === 0) return;
    writer.varint(tag);
    const mark = writer.open();
    for (const value of items) write(writer, value);
    writer.close(mark);
  };
}

function writeMap(field: DescField & { fieldKind: "map" }, content: Content): WriteField {
  const { localName: name } = field;
  const key = mapKey(field.mapKey, field.utf8Validation);
  const tag = tagOf(field.number, LENGTH_DELIMITED);
  const keyTag = tagOf(1, key.scalar.wireType);
  const valueTag = tagOf(2, content.wireType);
  return (writer, message) => {
    const entries = entriesOf(message[name]);
    for (const property of Object.keys(entries)) {
      writer.varint(tag);
      const mark = writer.open();
      writer.varint(keyTag);
      key.scalar.write(writer, key.parse(property));
      writer.varint(valueTag);
      content.write(writer, entries[property]);
      writer.close(mark);
    }
  };
}

export function itemsOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw ODD;
  return value;
}

export function entriesOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null) throw ODD;
  return value as Fields;
}
