import {
  type BytesPiece,
  type CallFailure,
  type CallHead,
  LaneProtocolError,
  MAX_CHAIN_DEPTH,
  type Metadata,
  metadataSize,
  type Piece,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import type { LaneCore } from "./lane-core.js";
import { chainTooDeep, handlerFailed, headTooLarge, metadataTooLarge, undelivered } from "./lane-failure.js";
import { MAX_METADATA } from "./lane-limits.js";
import { LaneStream } from "./lane-stream.js";

const NO_TRAILER: Metadata = [];

/** A call that this side makes. */
export class OutgoingStream extends LaneStream implements RequestSink {
  readonly sends = "request";
  readonly endsSoon = false;
  readonly #responses: ResponseSink;
  /** Whether a header or message has come: only before that may a header come. */
  #hasBegun = false;

  constructor(core: LaneCore, head: CallHead, responses: ResponseSink) {
    super(core, head);
    this.#responses = responses;
  }

  /** Tells the peer of the call. False if it cannot be told, and then the call has failed. */
  open(id: number): boolean {
    const problem = this.#problem() ?? (this.#write(id) ? undefined : headTooLarge(this.head));
    if (problem === undefined) return true;
    this.fail(problem);
    return false;
  }

  // The caller.

  message(piece: Piece, last: boolean): void {
    if (this.isLive && !this.outflow.isDone) this.outflow.message(piece, last);
  }

  end(): void {
    if (!this.isLive || this.outflow.isDone) return;
    if (this.outflow.isInside) this.fail(handlerFailed(this, "it ended inside a message"));
    else this.outflow.end();
  }

  cancel(failure: CallFailure): void {
    if (this.isLive) this.reset(failure);
  }

  credit(bytes: number): void {
    this.taken(bytes);
  }

  // The lane.

  fail(failure: CallFailure): void {
    if (!this.isLive) return;
    this.reset(failure);
    this.#tellEnd(NO_TRAILER, failure);
  }

  lose(failure: CallFailure): void {
    const { isLive, phase } = this;
    this.over();
    if (isLive) this.#tellEnd(NO_TRAILER, phase === "waiting" ? undelivered(failure) : failure);
  }

  giveCredit(cost: number): void {
    try {
      this.#responses.credit(cost);
    } catch (error) {
      this.fail(handlerFailed(this, error));
    }
  }

  // The peer.

  onHeader(header: Metadata): void {
    if (this.phase !== "open") return;
    if (this.#hasBegun) {
      throw new LaneProtocolError(
        "call-order",
        `A response must begin with its HEAD, but on call ${this.id} HEAD came later`,
      );
    }
    this.#hasBegun = true;
    try {
      this.#responses.header(header);
    } catch (error) {
      this.fail(handlerFailed(this, error));
    }
  }

  protected deliver(piece: BytesPiece, last: boolean): void {
    this.#hasBegun = true;
    try {
      this.#responses.message(piece);
    } catch (error) {
      this.fail(handlerFailed(this, error));
    }
    if (last) this.#ended(NO_TRAILER, undefined);
  }

  onEnd(trailer: Metadata, failure: CallFailure | undefined): void {
    if (this.phase === "open" && failure === undefined) this.peerDone();
    this.#ended(trailer, failure);
  }

  onReset(failure: CallFailure): void {
    this.#ended(NO_TRAILER, failure);
  }

  onMetadataTooLarge(): void {
    this.fail(metadataTooLarge(this, "response", this.core.limits.maxMetadata));
  }

  #ended(trailer: Metadata, failure: CallFailure | undefined): void {
    const { isLive } = this;
    this.over();
    if (isLive) this.#tellEnd(trailer, failure);
  }

  #tellEnd(trailer: Metadata, failure: CallFailure | undefined): void {
    try {
      this.#responses.end(trailer, failure);
    } catch {
      // The call is over, and the one who would have been told is the one who threw.
    }
  }

  #problem(): CallFailure | undefined {
    const { header, chain } = this.head;
    if (chain !== undefined && chain.depth > MAX_CHAIN_DEPTH) return chainTooDeep(this.head, chain.depth);
    if (header.length === 0) return undefined;
    const limit = Math.min(this.core.peer.maxMetadata, MAX_METADATA);
    return metadataSize(header) > limit ? metadataTooLarge(this, "request", limit) : undefined;
  }

  #write(id: number): boolean {
    const { batch } = this.core;
    const now = this.head.deadline === Number.POSITIVE_INFINITY ? 0 : performance.now();
    if (!batch.encoder.head(id, this.head, now)) return false;
    batch.hold();
    this.opened(id);
    return true;
  }
}
