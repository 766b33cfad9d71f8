import type { DescMessage } from "@bufbuild/protobuf";
import type { WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

/** A message as an object with whatever fields. */
export type Fields = Record<string, unknown>;

/** What can be done with messages of a type. What does not fit the type throws ODD. */
export interface MessageOps {
  /** A message without anything set. */
  zero(): Fields;
  /** A new message of what a caller wrote. */
  create(init: Fields): Fields;
  clone(message: unknown): Fields;
  write(writer: WireWriter, message: unknown): void;
  /** Reads into a message up to `end`, or, with `endTag`, up to that tag. */
  read(reader: WireReader, message: Fields, end: number, depth: number, endTag?: number): void;
}

/** The type of a descriptor: looked up late, since types may hold one another. */
export type TypeOf = (desc: DescMessage) => MessageOps;
