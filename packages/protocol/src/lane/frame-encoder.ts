import type { CallHead, Metadata } from "../call.js";
import type { CallFailure } from "../failure.js";
import type { ByteWriter } from "./byte-writer.js";
import { createChainWriter } from "./chain-block.js";
import { failureBound, fitFailure, writeFailure } from "./failure-block.js";
import { FrameFlag, FrameType, HEADER_SIZE, MAX_BLOCK, PREFACE } from "./frame.js";
import { headBound, writeHead } from "./head-block.js";
import { metadataBound, writeMetadata } from "./metadata-block.js";
import { createNameWriter } from "./name-ref.js";
import { type LaneSettings, SETTINGS_BOUND, writeSettings } from "./settings.js";

/** Where in a header the type and its flags are. */
const KIND = 3;

/**
 * Writes the frames of one direction of a lane. A head, the message after it and the end after that become one frame
 * as long as nothing else was written in between and the first of them has not been sent.
 */
export class FrameEncoder {
  readonly #out: ByteWriter;
  readonly #names = createNameWriter();
  readonly #chains = createChainWriter();
  /** Where the frame begins that can still be added to, and whose it is; 0 for none. */
  #open = 0;
  #openId = 0;

  constructor(out: ByteWriter) {
    this.#out = out;
  }

  /** What was written has been sent, or is about to be: nothing can be added to it. */
  seal(): void {
    this.#openId = 0;
  }

  preface(settings: LaneSettings): void {
    this.#out.reserve(PREFACE.length);
    for (const byte of PREFACE) this.#out.u8(byte);
    const start = this.#begin(FrameType.SETTINGS, 0, SETTINGS_BOUND);
    writeSettings(this.#out, settings);
    this.#finish(start);
  }

  /** Opens a call. False, and nothing written, if the head is larger than a frame can hold. */
  head(id: number, head: CallHead, now: number): boolean {
    const bound = 2 + headBound(head, this.#chains);
    if (bound > MAX_BLOCK) return false;
    const start = this.#begin(FrameType.HEAD, id, bound);
    this.#out.at += 2;
    writeHead(this.#out, head, this.#names, this.#chains, now);
    this.#finishHead(start, id);
    return true;
  }

  /** The header of a response. */
  header(id: number, header: Metadata): void {
    const start = this.#begin(FrameType.HEAD, id, 2 + metadataBound(header));
    this.#out.at += 2;
    writeMetadata(this.#out, header, this.#names);
    this.#finishHead(start, id);
  }

  /** A piece of a message: `bytes` from `start` to `end`. `flags` are MORE, GZIP and END. */
  data(id: number, bytes: Uint8Array, start: number, end: number, flags: number): void {
    const out = this.#out;
    const length = end - start;
    const piece = start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end);
    if (this.#takesBody(id, length)) {
      out.raw(piece);
      out.bytes[this.#open + KIND]! |= flags | FrameFlag.BODY;
      this.#finish(this.#open);
    } else {
      this.#openId = 0;
      out.reserve(HEADER_SIZE + length);
      this.#open = out.at;
      out.u32((length << 8) | flags | FrameType.DATA);
      out.u32(id);
      out.raw(piece);
    }
    const isOpen = (flags & (FrameFlag.MORE | FrameFlag.END)) === 0;
    this.#openId = isOpen ? id : 0;
  }

  /** No further message follows; in a response, the call ended well and without a trailer. */
  end(id: number): void {
    if (this.#openId === id) {
      this.#out.bytes[this.#open + KIND]! |= FrameFlag.END;
      this.#openId = 0;
      return;
    }
    this.#finish(this.#begin(FrameType.END, id, 0));
  }

  /** The call ended, with a trailer or a failure or both. */
  outcome(id: number, trailer: Metadata, failure: CallFailure | undefined): void {
    const trailerSize = metadataBound(trailer);
    const sent = failure === undefined ? undefined : fitFailure(failure, MAX_BLOCK - trailerSize);
    const kind = sent === undefined ? FrameType.END : FrameType.END | FrameFlag.FAILED;
    const start = this.#begin(kind, id, trailerSize + (sent === undefined ? 0 : failureBound(sent)));
    writeMetadata(this.#out, trailer, this.#names);
    if (sent !== undefined) writeFailure(this.#out, sent, this.#names);
    this.#finish(start);
  }

  reset(id: number, failure: CallFailure): void {
    const sent = fitFailure(failure, MAX_BLOCK);
    const start = this.#begin(FrameType.RESET, id, failureBound(sent));
    writeFailure(this.#out, sent, this.#names);
    this.#finish(start);
  }

  credit(id: number, bytes: number): void {
    const start = this.#begin(FrameType.CREDIT, id, 4);
    this.#out.u32(bytes);
    this.#finish(start);
  }

  ping(nonce: number, isAnswer: boolean): void {
    const start = this.#begin(isAnswer ? FrameType.PING | FrameFlag.ACK : FrameType.PING, 0, 4);
    this.#out.u32(nonce);
    this.#finish(start);
  }

  /** `lastId` is the last call of the peer that was accepted, 0 for none. */
  goAway(lastId: number, failure: CallFailure, isClose: boolean): void {
    const sent = fitFailure(failure, MAX_BLOCK - 4);
    const type = isClose ? FrameType.GOAWAY | FrameFlag.CLOSE : FrameType.GOAWAY;
    const start = this.#begin(type, 0, 4 + failureBound(sent));
    this.#out.u32(lastId);
    writeFailure(this.#out, sent, this.#names);
    this.#finish(start);
  }

  #begin(kind: number, id: number, bound: number): number {
    this.#openId = 0;
    this.#out.reserve(HEADER_SIZE + bound);
    const start = this.#out.at;
    this.#out.u32(kind);
    this.#out.u32(id);
    return start;
  }

  #finishHead(start: number, id: number): void {
    const { bytes, at } = this.#out;
    const block = at - start - HEADER_SIZE - 2;
    bytes[start + HEADER_SIZE] = block >>> 8;
    bytes[start + HEADER_SIZE + 1] = block;
    this.#finish(start);
    this.#open = start;
    this.#openId = id;
  }

  /** The frame that begins there ends here. */
  #finish(start: number): void {
    const { bytes, at } = this.#out;
    const length = at - start - HEADER_SIZE;
    bytes[start] = length >>> 16;
    bytes[start + 1] = length >>> 8;
    bytes[start + 2] = length;
  }

  #takesBody(id: number, length: number): boolean {
    const { bytes, at } = this.#out;
    if (this.#openId !== id || at + length > bytes.length) return false;
    return ((bytes[this.#open + KIND] as number) & (0x0f | FrameFlag.BODY)) === FrameType.HEAD;
  }
}
