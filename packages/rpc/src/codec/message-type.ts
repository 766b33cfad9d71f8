import { create, type DescMessage } from "@bufbuild/protobuf";
import { type CloneMember, cloneMember } from "./clone-member.js";
import { type InitMember, initMember } from "./init-member.js";
import type { Fields, MessageOps } from "./message-ops.js";
import { ODD } from "./odd-value.js";
import { type ReadField, readersOf } from "./read-field.js";
import { BIT32, BIT64, LENGTH_DELIMITED, VARINT } from "./scalar-kind.js";
import type { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";
import { type WriteField, writeField } from "./write-field.js";

/** As protobuf-es keeps fields that the schema does not know. */
interface UnknownField {
  readonly no: number;
  readonly wireType: number;
  readonly data: Uint8Array;
}

/** As protobuf-es, which gives up on what is nested deeper. */
const MAX_DEPTH = 100;

/** No tag is negative. */
const NO_TAG = -1;

const types = new WeakMap<DescMessage, MessageType>();

/** Prepared once per descriptor. */
export function messageType(desc: DescMessage): MessageType {
  const known = types.get(desc);
  if (known !== undefined) return known;
  const type = new MessageType(desc);
  types.set(desc, type);
  return type;
}

/**
 * What is done with messages of one type, as a list of closures, one for each field: so much is known of a field
 * beforehand that little is left to do for a value. Prepared when first needed, since types may hold one another.
 */
export class MessageType implements MessageOps {
  readonly desc: DescMessage;
  private readonly typeName: string;
  private readonly template: Fields;
  /** Undefined for that of all plain objects. Where presence is tracked by it, it holds the default values. */
  private readonly prototype: object | undefined;
  private readonly numbers: ReadonlySet<number>;
  private readonly lists: string[] = [];
  private readonly maps: string[] = [];
  private readonly oneofs: string[] = [];
  private writers: readonly WriteField[] | undefined;
  private readers: ReadonlyMap<number, ReadField> | undefined;
  private cloners: readonly CloneMember[] | undefined;
  private inits: readonly InitMember[] | undefined;

  constructor(desc: DescMessage) {
    this.desc = desc;
    this.typeName = desc.typeName;
    const zero = create(desc);
    const prototype: unknown = Object.getPrototypeOf(zero);
    this.prototype = prototype === Object.prototype ? undefined : (prototype as object);
    this.template = { ...zero };
    this.numbers = new Set(desc.fields.map((field) => field.number));
    for (const member of desc.members) {
      if (member.kind === "oneof") this.oneofs.push(member.localName);
      else if (member.fieldKind === "list") this.lists.push(member.localName);
      else if (member.fieldKind === "map") this.maps.push(member.localName);
    }
  }

  /** A message without anything set. */
  zero(): Fields {
    const message: Fields =
      this.prototype === undefined
        ? { ...this.template }
        : Object.assign(Object.create(this.prototype), this.template);
    for (const name of this.lists) message[name] = [];
    for (const name of this.maps) message[name] = {};
    for (const name of this.oneofs) message[name] = { case: undefined };
    return message;
  }

  create(init: Fields): Fields {
    const message = this.zero();
    this.inits ??= this.desc.members.map((member) => initMember(member, messageType));
    for (const set of this.inits) set(message, init);
    return message;
  }

  clone(message: unknown): Fields {
    const source = this.own(message);
    const copy = this.zero();
    this.cloners ??= this.desc.members.map((member) => cloneMember(member, messageType));
    for (const cloner of this.cloners) cloner(copy, source);
    const unknown = unknownFields(source);
    if (unknown.length > 0)
      copy.$unknown = unknown.map((field) => ({ ...field, data: new Uint8Array(field.data) }));
    return copy;
  }

  write(writer: WireWriter, message: unknown): void {
    const source = this.own(message);
    this.writers ??= this.desc.fields
      .toSorted((a, b) => a.number - b.number)
      .map((field) => writeField(field, messageType));
    for (const write of this.writers) write(writer, source);
    for (const { no, wireType, data } of unknownFields(source)) {
      writer.varint(((no << 3) | wireType) >>> 0);
      writer.raw(data);
    }
  }

  /** Reads up to `end`, or, with `endTag`, up to that tag. */
  read(reader: WireReader, message: Fields, end: number, depth: number, endTag = NO_TAG): void {
    if (depth > MAX_DEPTH) throw ODD;
    this.readers ??= readersOf(this.desc, messageType);
    const { readers } = this;
    while (reader.at < end) {
      const tag = reader.tag();
      if (tag === endTag) return;
      const read = readers.get(tag);
      if (read !== undefined) read(reader, message, depth);
      else this.readUnknown(reader, message, tag);
    }
    if (reader.at !== end) throw ODD;
  }

  private readUnknown(reader: WireReader, message: Fields, tag: number): void {
    const no = tag >>> 3;
    const wireType = tag & 7;
    // Field 0 is none, and one that is known has come in another form.
    if (no === 0 || this.numbers.has(no)) throw ODD;
    const start = reader.at;
    skip(reader, wireType);
    const field: UnknownField = { no, wireType, data: reader.raw(start, reader.at) };
    const unknown = message.$unknown as UnknownField[] | undefined;
    if (unknown === undefined) message.$unknown = [field];
    else unknown.push(field);
  }

  private own(message: unknown): Fields {
    if (typeof message !== "object" || message === null) throw ODD;
    if ((message as Fields).$typeName !== this.typeName) throw ODD;
    return message as Fields;
  }
}

const NONE: readonly UnknownField[] = [];

function unknownFields(message: Fields): readonly UnknownField[] {
  return (message.$unknown as readonly UnknownField[] | undefined) ?? NONE;
}

function skip(reader: WireReader, wireType: number): void {
  if (wireType === VARINT) reader.varint64();
  else if (wireType === BIT64) reader.at += 8;
  else if (wireType === BIT32) reader.at += 4;
  else if (wireType === LENGTH_DELIMITED) reader.at = reader.end();
  else throw ODD;
}
