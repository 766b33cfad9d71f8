import {
  FrameFlag,
  LaneProtocolError,
  MAX_CREDIT,
  MAX_PIECE,
  type Metadata,
  PIECE_OVERHEAD,
  type Piece,
  pieceCost,
  type TypedPiece,
} from "@connect-plugin/protocol";
import type { LaneCore } from "./lane-core.js";
import { messageTooLarge, unencodable } from "./lane-failure.js";
import type { LaneStream } from "./lane-stream.js";
import { flagsInside, PieceQueue } from "./piece-queue.js";

/**
 * The messages that this side sends in one call: cut into frames, within the peer's credit, in turn with other calls.
 * What cannot go at once waits here, and only when it has gone is its giver credited.
 */
export class Outflow {
  readonly #core: LaneCore;
  readonly #stream: LaneStream;
  #credit = 0;
  /** The header of a response, while it waits. */
  #header: Metadata | undefined = undefined;
  #queue: PieceQueue | undefined = undefined;
  #hasBegun = false;
  /** Whether the message that is being given goes on, and what came of it. */
  #isInside = false;
  #messageSize = 0;
  #isDone = false;
  /** END waits behind the queue. */
  #endWaits = false;

  constructor(core: LaneCore, stream: LaneStream) {
    this.#core = core;
    this.#stream = stream;
  }

  /** Whether the last message has been given. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Whether anything has been given. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether the end would cut a message off. */
  get isInside(): boolean {
    return this.#isInside;
  }

  /** Whether all that was given has left. */
  get isEmpty(): boolean {
    return this.#queue?.first === undefined && this.#header === undefined && !this.#endWaits;
  }

  /** Whether something waits that the peer takes. */
  get canSend(): boolean {
    if (this.#header !== undefined) return true;
    const piece = this.#queue?.first;
    return piece === undefined ? this.#endWaits : this.#room(piece.bytes.length - piece.sent) >= 0;
  }

  open(credit: number): void {
    this.#credit = credit;
  }

  /** Of a response: once, before its first message. */
  header(header: Metadata): void {
    this.#hasBegun = true;
    this.#header = header;
    if (this.#core.isClear) this.#writeHeader(header);
    else this.#core.schedule(this.#stream);
  }

  message(piece: Piece, last: boolean): void {
    this.#hasBegun = true;
    const bytes = piece.form === "bytes" ? piece.bytes : this.#encode(piece);
    if (bytes === undefined) return;
    const isWhole = piece.form === "message" || !piece.more;
    if (!this.#fits(bytes.length, isWhole)) return;
    let flags = 0;
    if (!isWhole) flags |= FrameFlag.MORE;
    if (piece.form === "bytes" && piece.gzip) flags |= FrameFlag.GZIP;
    if (last && isWhole) {
      flags |= FrameFlag.END;
      this.#isDone = true;
    }
    if (!this.#canSendNow(bytes.length)) {
      this.#wait(piece, bytes, flags);
      return;
    }
    this.#write(bytes, 0, bytes.length, flags);
    this.#giveCredit(pieceCost(piece));
  }

  /** No further message follows. */
  end(): void {
    this.#isDone = true;
    if (this.#stream.phase === "open" && this.isEmpty && this.#core.isClear) this.#writeEnd();
    else {
      this.#endWaits = true;
      if (this.#stream.phase === "open") this.#core.schedule(this.#stream);
    }
  }

  /** The peer takes more. */
  credited(bytes: number): void {
    this.#credit += bytes;
    if (this.#credit > MAX_CREDIT) {
      const { id } = this.#stream;
      throw new LaneProtocolError(
        "credit",
        `A call may have ${MAX_CREDIT} of credit, but call ${id} was given ${this.#credit}`,
      );
    }
    if (!this.isEmpty) this.#core.schedule(this.#stream);
  }

  /** Sends one frame of what waits, and a header before it. */
  sendNext(): void {
    if (this.#header !== undefined) this.#writeHeader(this.#header);
    const queue = this.#queue;
    const piece = queue?.first;
    if (queue === undefined || piece === undefined) {
      if (this.#endWaits) this.#writeEnd();
      return;
    }
    const length = this.#room(piece.bytes.length - piece.sent);
    if (length < 0) return;
    const start = piece.sent;
    const end = start + length;
    const isWhole = end === piece.bytes.length;
    piece.sent = end;
    this.#core.queuedBytes -= length;
    this.#write(piece.bytes, start, end, isWhole ? piece.flags : flagsInside(piece));
    if (!isWhole) return;
    queue.shift();
    if (piece.isCopy) this.#core.store.release(piece.bytes);
    this.#giveCredit(piece.cost);
  }

  /** What waits is not sent any more. */
  drop(): void {
    this.#header = undefined;
    this.#endWaits = false;
    if (this.#queue !== undefined) this.#core.queuedBytes -= this.#queue.clear();
  }

  #encode(piece: TypedPiece): Uint8Array | undefined {
    try {
      return this.#core.codec.encode(piece.desc, piece.message, this.#stream.head.codec);
    } catch (error) {
      this.#stream.fail(unencodable(this.#stream, piece.desc.typeName, error));
      return undefined;
    }
  }

  #fits(length: number, isWhole: boolean): boolean {
    const size = this.#messageSize + length;
    const limit = Math.min(this.#core.limits.maxMessage, this.#core.peer.maxMessage);
    if (size > limit) {
      this.#stream.fail(messageTooLarge(this.#stream, this.#stream.sends, limit));
      return false;
    }
    this.#messageSize = isWhole ? 0 : size;
    this.#isInside = !isWhole;
    return true;
  }

  #canSendNow(length: number): boolean {
    return (
      this.#stream.phase === "open" &&
      length <= MAX_PIECE &&
      length + PIECE_OVERHEAD <= this.#credit &&
      this.isEmpty &&
      this.#core.isClear
    );
  }

  #write(bytes: Uint8Array, start: number, end: number, flags: number): void {
    const { batch } = this.#core;
    this.#credit -= end - start + PIECE_OVERHEAD;
    batch.encoder.data(this.#stream.id, bytes, start, end, flags);
    if (this.#stream.endsSoon && (flags & (FrameFlag.MORE | FrameFlag.END)) === 0) batch.hold();
    else batch.ready();
  }

  #writeHeader(header: Metadata): void {
    this.#header = undefined;
    this.#core.batch.encoder.header(this.#stream.id, header);
    this.#core.batch.hold();
  }

  #writeEnd(): void {
    this.#endWaits = false;
    this.#core.batch.encoder.end(this.#stream.id);
    this.#core.batch.ready();
  }

  #wait(piece: Piece, bytes: Uint8Array, flags: number): void {
    const isCopy = piece.form === "bytes";
    this.#queue ??= new PieceQueue();
    this.#queue.push(isCopy ? this.#core.store.keep(bytes) : bytes, flags, pieceCost(piece), isCopy);
    this.#core.queuedBytes += bytes.length;
    if (this.#stream.phase === "open") this.#core.schedule(this.#stream);
  }

  #giveCredit(cost: number): void {
    if (!this.#isDone && this.#stream.phase === "open") this.#stream.giveCredit(cost);
  }

  /** How many of so many bytes can go in one frame now; -1 if not even an empty frame can. */
  #room(left: number): number {
    const room = Math.min(left, MAX_PIECE, this.#credit - PIECE_OVERHEAD);
    return room > 0 || room === left ? room : -1;
  }
}
