import type { CallHead, Metadata } from "../call.js";
import type { CallFailure } from "../failure.js";
import { ByteReader } from "./byte-reader.js";
import { createChainReader } from "./chain-block.js";
import { readFailure } from "./failure-block.js";
import {
  FrameFlag,
  FrameType,
  frameTypeName,
  ID_LIMIT,
  type LaneSide,
  MAX_BLOCK,
  MAX_PAYLOAD,
  MAX_PIECE,
  openerOf,
} from "./frame.js";
import { readHead } from "./head-block.js";
import { LaneProtocolError } from "./lane-rule.js";
import { readMetadata } from "./metadata-block.js";
import { createNameReader } from "./name-ref.js";
import { type LaneSettings, readSettings } from "./settings.js";

/**
 * What the frames of a lane say, in order. A frame that says several things (a head with a message, say) is told as if
 * it were several.
 */
export interface FrameVisitor {
  settings(settings: LaneSettings): void;
  /** The peer opens a call. */
  head(id: number, head: CallHead): void;
  /** The header of a response to a call that this side opened. */
  header(id: number, header: Metadata): void;
  /** The same, but its header was larger than allowed and has been left out. */
  headTooLarge(id: number, head: CallHead): void;
  /** The header or trailer of a response was larger than allowed: `header` or `end` are not told. */
  metadataTooLarge(id: number): void;
  /** A piece of a message, valid until this returns; `flags` are MORE, GZIP and END. */
  data(id: number, bytes: Uint8Array, flags: number): void;
  end(id: number, trailer: Metadata, failure: CallFailure | undefined): void;
  reset(id: number, failure: CallFailure): void;
  credit(id: number, bytes: number): void;
  ping(nonce: number, isAnswer: boolean): void;
  goAway(lastId: number, failure: CallFailure, isClose: boolean): void;
}

export interface FrameDecoderOptions {
  /** Which end this is. */
  readonly side: LaneSide;
  readonly maxMetadata: number;
  /** The clock of deadlines, in ms. */
  readonly now: () => number;
}

const NO_METADATA: Metadata = [];

/** Reads the frames of one direction of a lane. Throws a `LaneProtocolError` where the peer broke a rule. */
export class FrameDecoder {
  readonly #visitor: FrameVisitor;
  readonly #options: FrameDecoderOptions;
  readonly #names = createNameReader();
  readonly #chains = createChainReader();
  readonly #reader = new ByteReader();
  #hasSettings = false;

  constructor(visitor: FrameVisitor, options: FrameDecoderOptions) {
    this.#visitor = visitor;
    this.#options = options;
  }

  /** `kind` is the fourth byte of the header; the payload is `bytes` from `start` to `end`. */
  frame(kind: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    const type = kind & 0x0f;
    if (!this.#hasSettings && type !== FrameType.SETTINGS) {
      throw new LaneProtocolError("settings", `SETTINGS must come first, but ${frameTypeName(type)} did`);
    }
    if (type === FrameType.DATA) {
      checkCallId(type, id);
      this.#data(id, kind, bytes, start, end);
    } else if (type === FrameType.HEAD) {
      checkCallId(type, id);
      this.#head(id, kind, bytes, start, end);
    } else {
      checkLength(type, end - start, MAX_BLOCK);
      this.#reader.reset(bytes, start, end, frameTypeName(type));
      if (type === FrameType.END || type === FrameType.RESET || type === FrameType.CREDIT) {
        checkCallId(type, id);
        this.#callFrame(type, id, kind);
      } else if (type === FrameType.SETTINGS || type === FrameType.PING || type === FrameType.GOAWAY) {
        checkNoId(type, id);
        this.#connectionFrame(type, kind);
      }
      // Else it is of a later version.
    }
  }

  #callFrame(type: FrameType, id: number, kind: number): void {
    if (type === FrameType.END) this.#end(id, kind);
    else if (type === FrameType.RESET) this.#visitor.reset(id, this.#failure());
    else this.#visitor.credit(id, this.#reader.u32());
  }

  #connectionFrame(type: FrameType, kind: number): void {
    if (type === FrameType.SETTINGS) this.#settings();
    else if (type === FrameType.PING) this.#visitor.ping(this.#reader.u32(), (kind & FrameFlag.ACK) !== 0);
    else this.#visitor.goAway(this.#reader.u32(), this.#failure(), (kind & FrameFlag.CLOSE) !== 0);
  }

  #settings(): void {
    if (this.#hasSettings) throw new LaneProtocolError("settings", "SETTINGS must come once, but came again");
    this.#hasSettings = true;
    this.#visitor.settings(readSettings(this.#reader));
  }

  #head(id: number, kind: number, bytes: Uint8Array, start: number, end: number): void {
    const reader = this.#reader;
    reader.reset(bytes, start, end, "HEAD");
    const block = reader.u16();
    const body = start + 2 + block;
    reader.skip(block);
    reader.reset(bytes, start + 2, body, "HEAD");
    if (openerOf(id) === this.#options.side) this.#responseHead(id);
    else this.#requestHead(id);
    if (kind & FrameFlag.BODY) this.#data(id, kind, bytes, body, end);
    else if (body !== end) {
      throw new LaneProtocolError("frame-content", `HEAD without BODY must end with its block, but goes on`);
    } else if (kind & FrameFlag.END) this.#visitor.end(id, NO_METADATA, undefined);
  }

  #requestHead(id: number): void {
    const { now, maxMetadata } = this.#options;
    const { head, fits } = readHead(this.#reader, this.#names, this.#chains, now, maxMetadata);
    if (fits) this.#visitor.head(id, head);
    else this.#visitor.headTooLarge(id, head);
  }

  #responseHead(id: number): void {
    const header = readMetadata(this.#reader, this.#names, this.#options.maxMetadata);
    if (header === undefined) this.#visitor.metadataTooLarge(id);
    else this.#visitor.header(id, header);
  }

  #data(id: number, kind: number, bytes: Uint8Array, start: number, end: number): void {
    checkLength(FrameType.DATA, end - start, MAX_PIECE);
    const flags = kind & (FrameFlag.MORE | FrameFlag.GZIP | FrameFlag.END);
    if ((flags & FrameFlag.MORE) !== 0 && (flags & FrameFlag.END) !== 0) {
      throw new LaneProtocolError(
        "call-order",
        `A message must be whole before END, but call ${id} has both MORE and END`,
      );
    }
    this.#visitor.data(id, bytes.subarray(start, end), flags);
  }

  #end(id: number, kind: number): void {
    const reader = this.#reader;
    if (reader.left === 0 && (kind & FrameFlag.FAILED) === 0) {
      this.#visitor.end(id, NO_METADATA, undefined);
      return;
    }
    if (openerOf(id) !== this.#options.side) {
      throw reader.error(`a trailer or failure, for call ${id} of the side that sent it`);
    }
    const trailer = readMetadata(reader, this.#names, this.#options.maxMetadata);
    const failure = kind & FrameFlag.FAILED ? this.#failure() : undefined;
    if (trailer === undefined) this.#visitor.metadataTooLarge(id);
    else this.#visitor.end(id, trailer, failure);
  }

  #failure(): CallFailure {
    return readFailure(this.#reader, this.#names, this.#options.maxMetadata);
  }
}

/** No frame may be longer: to be asked as soon as its header is there. */
export function checkPayload(kind: number, length: number): void {
  checkLength(kind & 0x0f, length, MAX_PAYLOAD);
}

function checkLength(type: number, length: number, limit: number): void {
  if (length <= limit) return;
  throw new LaneProtocolError(
    "frame-length",
    `${frameTypeName(type)} may have ${limit} bytes, but this one has ${length}`,
  );
}

function checkCallId(type: number, id: number): void {
  if (id > 0 && id < ID_LIMIT) return;
  throw new LaneProtocolError(
    "frame-id",
    `${frameTypeName(type)} must have the id of a call, from 1 to ${ID_LIMIT - 1}, but has ${id}`,
  );
}

function checkNoId(type: number, id: number): void {
  if (id === 0) return;
  throw new LaneProtocolError("frame-id", `${frameTypeName(type)} must have id 0, but has ${id}`);
}
