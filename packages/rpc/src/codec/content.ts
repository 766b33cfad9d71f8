import { type DescEnum, type DescField, type DescMessage, isMessage, ScalarType } from "@bufbuild/protobuf";
import type { Fields, MessageOps, TypeOf } from "./message-ops.js";
import { ODD } from "./odd-value.js";
import { END_GROUP, LENGTH_DELIMITED, type ScalarKind, START_GROUP, scalarKind } from "./scalar-kind.js";
import type { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

/** What is done with what a field holds, or an item of a list, or a value of a map. Misfits throw ODD. */
export interface Content {
  readonly wireType: number;
  /** Whether lists of it can be one length-delimited field. */
  readonly packable: boolean;
  /** What it is where a map entry leaves it out. */
  zero(): unknown;
  /** Whether a field without presence leaves it out. */
  isZero(value: unknown): boolean;
  /** Without its tag. */
  write(writer: WireWriter, value: unknown): void;
  /** `existing` is what the field holds already: messages are merged. */
  read(reader: WireReader, depth: number, existing: unknown): unknown;
  /** Returns a value that shares nothing with this one. */
  copy(value: unknown): unknown;
  /** What a message holds for what a caller wrote. Undefined if that is just what it holds. */
  readonly init: ((value: unknown) => unknown) | undefined;
}

export function contentOf(field: DescField, typeOf: TypeOf): Content {
  if (field.message !== undefined) return messageContent(field, field.message, typeOf);
  if (field.enum !== undefined) return enumContent(field.enum);
  // 64-bit integers as strings are rare.
  if ("longAsString" in field && field.longAsString) return oddContent;
  return scalarContent(scalarKind(field.scalar, field.utf8Validation), field.scalar);
}

/** Left to protobuf-es. */
const oddContent: Content = {
  wireType: LENGTH_DELIMITED,
  packable: false,
  zero: odd,
  isZero: odd,
  write: odd,
  read: odd,
  copy: odd,
  init: undefined,
};

function scalarContent(kind: ScalarKind, type: ScalarType): Content {
  return {
    wireType: kind.wireType,
    packable: kind.wireType !== LENGTH_DELIMITED,
    zero: () => kind.zero,
    isZero: kind.isZero,
    write: kind.write,
    read: kind.read,
    copy: kind.copy,
    init: type === ScalarType.BYTES ? toBytes : undefined,
  };
}

function enumContent(desc: DescEnum): Content {
  const int32 = scalarKind(ScalarType.INT32, false);
  const zero = desc.values[0]?.number;
  const known = desc.open ? undefined : new Set<unknown>(desc.values.map((value) => value.number));
  // protobuf-es keeps values that a closed enum does not have elsewhere.
  const check = (value: unknown) => {
    if (known !== undefined && !known.has(value)) throw ODD;
    return value;
  };
  return {
    wireType: int32.wireType,
    packable: true,
    zero: () => zero,
    isZero: (value) => value === zero,
    write: int32.write,
    read: (reader) => check(int32.read(reader)),
    copy: (value) => check(int32.copy(value)),
    init: undefined,
  };
}

function messageContent(field: DescField, desc: DescMessage, typeOf: TypeOf): Content {
  if (desc.typeName === "google.protobuf.Struct" && field.parent.typeName !== "google.protobuf.Value") {
    // Held as a JSON object.
    return oddContent;
  }
  let prepared: MessageOps | undefined;
  const type = () => {
    prepared ??= typeOf(desc);
    return prepared;
  };
  if (field.fieldKind === "message" && field.oneof === undefined) {
    const boxed = wrappedField(desc);
    if (boxed !== undefined) return boxedContent(contentOf(boxed, typeOf), type);
  }
  const form =
    "delimitedEncoding" in field && field.delimitedEncoding ? groupForm(field.number, type) : sizedForm(type);
  return {
    ...form,
    packable: false,
    zero: () => type().zero(),
    // Without presence there are no messages.
    isZero: odd,
    copy: (value) => type().clone(value),
    init(value) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      if (isMessage(value, desc)) return value;
      return type().create(value as Fields);
    },
  };
}

type MessageForm = Pick<Content, "wireType" | "write" | "read">;

function sizedForm(type: () => MessageOps): MessageForm {
  return {
    wireType: LENGTH_DELIMITED,
    write(writer, value) {
      const mark = writer.open();
      type().write(writer, value);
      writer.close(mark);
    },
    read(reader, depth, existing) {
      const message = (existing as Fields | undefined) ?? type().zero();
      type().read(reader, message, reader.end(), depth + 1);
      return message;
    },
  };
}

function groupForm(number: number, type: () => MessageOps): MessageForm {
  const endTag = tagOf(number, END_GROUP);
  return {
    wireType: START_GROUP,
    write(writer, value) {
      type().write(writer, value);
      writer.varint(endTag);
    },
    read(reader, depth, existing) {
      const message = (existing as Fields | undefined) ?? type().zero();
      type().read(reader, message, Number.POSITIVE_INFINITY, depth + 1, endTag);
      return message;
    },
  };
}

/** One of google.protobuf's wrappers: the field holds the value in it, or nothing. */
function boxedContent(value: Content, type: () => MessageOps): Content {
  const tag = tagOf(1, value.wireType);
  return {
    wireType: LENGTH_DELIMITED,
    packable: false,
    zero: odd,
    isZero: odd,
    write(writer, given) {
      const mark = writer.open();
      if (!value.isZero(given)) {
        writer.varint(tag);
        value.write(writer, given);
      }
      writer.close(mark);
    },
    read(reader, depth, existing) {
      const box = type().zero();
      if (existing !== undefined) box.value = existing;
      type().read(reader, box, reader.end(), depth + 1);
      return box.value;
    },
    copy: value.copy,
    init: value.init,
  };
}

const wrappers: ReadonlySet<string> = new Set(
  ["Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes"].map(
    (name) => `google.protobuf.${name}Value`,
  ),
);

/** The one field of a wrapper. */
function wrappedField(desc: DescMessage): DescField | undefined {
  const [field] = desc.fields;
  if (field === undefined || !wrappers.has(desc.typeName)) return undefined;
  return field.fieldKind === "scalar" && field.name === "value" && field.number === 1 ? field : undefined;
}

export function tagOf(number: number, wireType: number): number {
  return ((number << 3) | wireType) >>> 0;
}

function toBytes(value: unknown): unknown {
  return Array.isArray(value) ? new Uint8Array(value) : value;
}

function odd(): never {
  throw ODD;
}
