import type { CallHead, Metadata, MethodKind } from "../call.js";
import type { ByteReader } from "./byte-reader.js";
import { type ByteWriter, MAX_VARINT } from "./byte-writer.js";
import { type ChainReader, type ChainWriter, chainBound, readChain, writeChain } from "./chain-block.js";
import { metadataBound, readMetadata, writeMetadata } from "./metadata-block.js";
import { type NameReader, type NameWriter, nameBound, readName, writeName } from "./name-ref.js";

// Two bytes of bits, the names of service and method, then what the second byte says is there, in the order of its bits.
// What a later version adds comes after that, and is skipped by who does not know it.

const kinds: readonly (MethodKind | "unknown")[] = [
  "unary",
  "server_streaming",
  "client_streaming",
  "bidi_streaming",
  "unknown",
];
const KIND_BITS = 0b111;
const JSON_BIT = 0b1000;
const ACCEPT_GZIP_BIT = 0b1_0000;

const NO_METADATA: Metadata = [];

const Has = { DEADLINE: 1, HEADER: 2, PARENT: 4, TARGET: 8, GRANT: 16, ID: 32, CHAIN: 64 } as const;

/** `now` is on the clock of the head's deadline: what travels is what remains of it. */
export function writeHead(
  out: ByteWriter,
  head: CallHead,
  names: NameWriter,
  chains: ChainWriter,
  now: number,
): void {
  out.u8(
    kinds.indexOf(head.kind) |
      (head.codec === "json" ? JSON_BIT : 0) |
      (head.acceptGzip ? ACCEPT_GZIP_BIT : 0),
  );
  out.u8(presence(head));
  writeName(out, head.service, names);
  writeName(out, head.method, names);
  if (head.deadline !== Number.POSITIVE_INFINITY) out.varint(remaining(head.deadline, now));
  if (head.header.length > 0) writeMetadata(out, head.header, names);
  if (head.parent !== undefined) out.varint(head.parent);
  if (head.target !== undefined) writeName(out, head.target, names);
  if (head.grant !== undefined) writeName(out, head.grant, names);
  if (head.id !== undefined) out.varint(head.id);
  if (head.chain !== undefined) writeChain(out, head.chain, chains);
}

export interface ReadHead {
  readonly head: CallHead;
  /** Whether the header has no more than the bytes that it may have. If not, it is left out. */
  readonly fits: boolean;
}

export function readHead(
  from: ByteReader,
  names: NameReader,
  chains: ChainReader,
  now: () => number,
  maxMetadata: number,
): ReadHead {
  const bits = from.u8();
  const has = from.u8();
  const service = readName(from, names);
  const method = readName(from, names);
  const deadline = has & Has.DEADLINE ? now() + from.varint() : Number.POSITIVE_INFINITY;
  const header = has & Has.HEADER ? readMetadata(from, names, maxMetadata) : NO_METADATA;
  const parent = has & Has.PARENT ? from.varint() : undefined;
  const target = has & Has.TARGET ? readName(from, names) : undefined;
  const grant = has & Has.GRANT ? readName(from, names) : undefined;
  const id = has & Has.ID ? from.varint() : undefined;
  const chain = has & Has.CHAIN ? readChain(from, chains) : undefined;
  const head: CallHead = {
    service,
    method,
    kind: kinds[bits & KIND_BITS] ?? "unknown",
    codec: bits & JSON_BIT ? "json" : "proto",
    acceptGzip: (bits & ACCEPT_GZIP_BIT) !== 0,
    header: header ?? NO_METADATA,
    deadline,
    parent,
    target,
    grant,
    id,
    chain,
  };
  return { head, fits: header !== undefined };
}

/** What `writeHead` takes at most. */
export function headBound(head: CallHead, chains: ChainWriter): number {
  let bound = 2 + 3 * MAX_VARINT + nameBound(head.service) + nameBound(head.method);
  if (head.header.length > 0) bound += metadataBound(head.header);
  if (head.target !== undefined) bound += nameBound(head.target);
  if (head.grant !== undefined) bound += nameBound(head.grant);
  if (head.chain !== undefined) bound += chainBound(head.chain, chains);
  return bound;
}

function presence(head: CallHead): number {
  return (
    (head.deadline === Number.POSITIVE_INFINITY ? 0 : Has.DEADLINE) |
    (head.header.length === 0 ? 0 : Has.HEADER) |
    (head.parent === undefined ? 0 : Has.PARENT) |
    (head.target === undefined ? 0 : Has.TARGET) |
    (head.grant === undefined ? 0 : Has.GRANT) |
    (head.id === undefined ? 0 : Has.ID) |
    (head.chain === undefined ? 0 : Has.CHAIN)
  );
}

/** Whole milliseconds, rounded up; a deadline that has passed, or is no number, leaves none. Never forever. */
function remaining(deadline: number, now: number): number {
  const left = Math.ceil(deadline - now);
  return left > 0 ? Math.min(left, Number.MAX_SAFE_INTEGER) : 0;
}
