import type { CallChain, Caller } from "../call.js";
import type { ByteReader } from "./byte-reader.js";
import { type ByteWriter, MAX_VARINT, textBound } from "./byte-writer.js";
import { InternReader, InternWriter } from "./intern-table.js";

// The callers behind a call, nearest first: definitions of those that are new, then one that is known, or the end.
// Most calls come from few chains, so a whole chain is usually one byte.

/** Callers, each with all that is behind it, that are remembered at a time. */
export const CHAIN_SLOTS = 128;

/** Callers behind a call, at most. */
export const MAX_CHAIN_DEPTH = 64;

const END = 0;
const DEFINITION = 1;
const FIRST_SLOT = 2;

const kinds: readonly Caller["kind"][] = ["plugin", "host", "operator", "external"];

export type ChainWriter = InternWriter<CallChain>;
export type ChainReader = InternReader<CallChain>;

export function createChainWriter(): ChainWriter {
  return new InternWriter(CHAIN_SLOTS);
}

export function createChainReader(): ChainReader {
  return new InternReader(CHAIN_SLOTS, "chain");
}

export function writeChain(out: ByteWriter, chain: CallChain, chains: ChainWriter): void {
  for (let node: CallChain | undefined = chain; node !== undefined; node = node.behind) {
    const slot = chains.slotOf(node);
    if (slot >= 0) {
      out.varint(FIRST_SLOT + slot);
      return;
    }
    chains.define(node);
    out.u8(DEFINITION);
    writeCaller(out, node.caller);
  }
  out.u8(END);
}

export function readChain(from: ByteReader, chains: ChainReader): CallChain {
  const callers: Caller[] = [];
  let tag = from.varint();
  for (; tag === DEFINITION; tag = from.varint()) {
    if (callers.length === MAX_CHAIN_DEPTH) throw tooDeep(from);
    callers.push(readCaller(from));
  }
  let chain = tag === END ? undefined : chains.get(tag - FIRST_SLOT);
  if (callers.length + (chain?.depth ?? 0) > MAX_CHAIN_DEPTH) throw tooDeep(from);
  const defined: CallChain[] = [];
  for (const caller of callers.reverse()) {
    chain = { caller, behind: chain, depth: (chain?.depth ?? 0) + 1 };
    defined.push(chain);
  }
  // Slots were taken nearest first, but a node can only be made when what is behind it is there.
  for (const node of defined.reverse()) chains.define(node);
  if (chain === undefined) throw from.error("a chain of no callers");
  return chain;
}

/** What `writeChain` takes at most. */
export function chainBound(chain: CallChain, chains: ChainWriter): number {
  let bound = MAX_VARINT;
  for (let node: CallChain | undefined = chain; node !== undefined; node = node.behind) {
    if (chains.slotOf(node) >= 0) break;
    bound += callerBound(node.caller);
  }
  return bound;
}

function writeCaller(out: ByteWriter, caller: Caller): void {
  const claims = Object.entries(caller.claims);
  out.u8(kinds.indexOf(caller.kind));
  out.text(caller.name);
  out.text(caller.runtimeId);
  out.varint(claims.length);
  for (const [name, value] of claims) {
    out.text(name);
    out.text(value);
  }
}

function readCaller(from: ByteReader): Caller {
  const number = from.u8();
  const kind = kinds[number];
  if (kind === undefined) throw from.error(`a caller of the unknown kind ${number}`);
  const name = from.text();
  const runtimeId = from.text();
  const claims: [string, string][] = [];
  for (let left = from.varint(); left > 0; left--) claims.push([from.text(), from.text()]);
  return { kind, name, runtimeId, claims: Object.fromEntries(claims) };
}

function callerBound(caller: Caller): number {
  let bound = 2 + MAX_VARINT + textBound(caller.name) + textBound(caller.runtimeId);
  for (const [name, value] of Object.entries(caller.claims)) bound += textBound(name) + textBound(value);
  return bound;
}

function tooDeep(from: ByteReader): Error {
  return from.error(`a chain of more than ${MAX_CHAIN_DEPTH} callers`);
}
