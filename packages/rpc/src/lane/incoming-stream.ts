import {
  type BytesPiece,
  type CallFailure,
  type CallHandler,
  type CallHead,
  type Metadata,
  metadataSize,
  type Piece,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { ignoredRequests } from "../service-switch.js";
import type { LaneCore } from "./lane-core.js";
import { handlerFailed, metadataTooLarge } from "./lane-failure.js";
import { MAX_METADATA } from "./lane-limits.js";
import { LaneStream } from "./lane-stream.js";

/** A call that the peer makes. */
export class IncomingStream extends LaneStream implements ResponseSink {
  readonly sends = "response";
  readonly endsSoon: boolean;
  #requests: RequestSink = ignoredRequests;
  /** Why the handler must be told that the call is over, though it has not yet said how. */
  #cancelledEarly: CallFailure | undefined = undefined;

  constructor(core: LaneCore, id: number, head: CallHead) {
    super(core, head);
    this.endsSoon = head.kind === "unary" || head.kind === "client_streaming";
    this.opened(id);
  }

  start(handler: CallHandler): void {
    try {
      const requests = handler.start(this.head, this);
      this.#requests = requests;
      if (this.#cancelledEarly !== undefined) requests.cancel(this.#cancelledEarly);
    } catch (error) {
      this.fail(handlerFailed(this, error));
    }
  }

  // The handler.

  header(header: Metadata): void {
    if (!this.isLive || header.length === 0) return;
    if (this.outflow.hasBegun) this.fail(handlerFailed(this, "it gave a header too late, or twice"));
    else if (this.#checkMetadata(header)) this.outflow.header(header);
  }

  message(piece: Piece): void {
    if (this.isLive) this.outflow.message(piece, false);
  }

  end(trailer: Metadata, failure: CallFailure | undefined): void {
    if (!this.isLive) return;
    if (failure === undefined && this.outflow.isInside) {
      this.fail(handlerFailed(this, "it ended inside a message"));
    } else if (trailer.length === 0 || this.#checkMetadata(trailer)) this.finish(trailer, failure);
  }

  credit(bytes: number): void {
    this.taken(bytes);
  }

  // The lane.

  fail(failure: CallFailure): void {
    if (!this.isLive) return;
    this.reset(failure);
    this.#cancel(failure);
  }

  lose(failure: CallFailure): void {
    const { isLive } = this;
    this.over();
    if (isLive) this.#cancel(failure);
  }

  giveCredit(cost: number): void {
    try {
      this.#requests.credit(cost);
    } catch (error) {
      this.fail(handlerFailed(this, error));
    }
  }

  // The peer.

  protected deliver(piece: BytesPiece, last: boolean): void {
    try {
      this.#requests.message(piece, last);
    } catch (error) {
      this.fail(handlerFailed(this, error));
    }
  }

  onEnd(): void {
    if (this.phase !== "open") return;
    this.peerDone();
    try {
      this.#requests.end();
    } catch (error) {
      this.fail(handlerFailed(this, error));
    }
  }

  onReset(failure: CallFailure): void {
    this.lose(failure);
  }

  onMetadataTooLarge(): void {
    this.fail(metadataTooLarge(this, "request", this.core.limits.maxMetadata));
  }

  #cancel(failure: CallFailure): void {
    if (this.#requests === ignoredRequests) {
      this.#cancelledEarly = failure;
      return;
    }
    try {
      this.#requests.cancel(failure);
    } catch {
      // The call is over, and the one who would have been told is the one who threw.
    }
  }

  /** Says that the response cannot be sent, if it cannot. */
  #checkMetadata(metadata: Metadata): boolean {
    const limit = Math.min(this.core.peer.maxMetadata, MAX_METADATA);
    if (metadataSize(metadata) <= limit) return true;
    this.fail(metadataTooLarge(this, "response", limit));
    return false;
  }
}
