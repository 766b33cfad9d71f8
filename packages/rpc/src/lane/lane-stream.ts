import {
  type BytesPiece,
  type CallFailure,
  type CallHead,
  FrameFlag,
  LaneProtocolError,
  type Metadata,
  PIECE_OVERHEAD,
} from "@connect-plugin/protocol";
import { FlowWindow } from "./flow-window.js";
import type { LaneCore } from "./lane-core.js";
import { messageTooLarge } from "./lane-failure.js";
import { Outflow } from "./outflow.js";
import type { Listed, StreamList } from "./stream-list.js";

/**
 * `waiting`: the peer has not heard of it. `open`: both ends know it. `leaving`: this side has ended it, but the last
 * frame of it waits to be sent. `over`: nobody is told anything any more.
 */
export type Phase = "waiting" | "open" | "leaving" | "over";

/** How this side ends a call. */
type Closing =
  | { readonly how: "outcome"; readonly trailer: Metadata; readonly failure: CallFailure | undefined }
  | { readonly how: "reset"; readonly failure: CallFailure };

/** A call on a lane: what is the same at both its ends. */
export abstract class LaneStream implements Listed<LaneStream> {
  list: StreamList<LaneStream> | undefined = undefined;
  before: LaneStream | undefined = undefined;
  after: LaneStream | undefined = undefined;

  readonly head: CallHead;
  /** What this side sends. */
  abstract readonly sends: "request" | "response";
  /** Whether the end, if it comes soon after a message, should travel in its frame. */
  abstract readonly endsSoon: boolean;

  protected readonly core: LaneCore;
  protected readonly outflow: Outflow;
  readonly #window: FlowWindow;
  #id = 0;
  #phase: Phase = "waiting";
  #closing: Closing | undefined = undefined;
  /** Credit for the peer that waits to be sent. */
  #creditWaits = 0;
  /** Of the message that is coming in. */
  #messageSize = 0;
  #isInside = false;
  #isPeerDone = false;

  constructor(core: LaneCore, head: CallHead) {
    this.core = core;
    this.head = head;
    this.outflow = new Outflow(core, this);
    this.#window = new FlowWindow(core.limits.initialWindow, core.limits.maxWindow, core.windows);
  }

  get id(): number {
    return this.#id;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether this side may still say something. */
  get isLive(): boolean {
    return this.#phase === "waiting" || this.#phase === "open";
  }

  /** Ends the call because of something that went wrong at this end of the lane. Both ends of the call are told. */
  abstract fail(failure: CallFailure): void;

  /** Ends the call because the connection is no more. */
  abstract lose(failure: CallFailure): void;

  /** Tells who gives the messages that some have left. */
  abstract giveCredit(cost: number): void;

  protected abstract deliver(piece: BytesPiece, last: boolean): void;

  protected opened(id: number): void {
    this.#id = id;
    this.#phase = "open";
    this.outflow.open(this.core.peer.initialWindow);
  }

  protected over(): void {
    if (this.#phase === "over") return;
    this.outflow.drop();
    this.#window.close();
    this.#phase = "over";
    this.core.forget(this);
  }

  // What this side says.

  /** Ends the call once the messages before have left. */
  protected finish(trailer: Metadata, failure: CallFailure | undefined): void {
    if (this.outflow.isEmpty && this.core.isClear) {
      this.#sayOutcome(trailer, failure);
      this.over();
    } else {
      this.#leave({ how: "outcome", trailer, failure });
    }
  }

  /** Ends the call at once; messages that wait are dropped. */
  protected reset(failure: CallFailure): void {
    this.outflow.drop();
    if (this.#phase === "open" && this.core.batch.blocked) {
      this.#leave({ how: "reset", failure });
      return;
    }
    if (this.#phase === "open") this.#sayReset(failure);
    this.over();
  }

  /** What the reader was given has been taken. */
  protected taken(cost: number): void {
    if (this.#phase !== "open" || this.#isPeerDone) return;
    const credit = this.#window.take(cost);
    if (credit === 0) return;
    this.#creditWaits += credit;
    if (this.core.batch.blocked) this.core.schedule(this);
    else this.#sayCredit();
  }

  /** Whether there is something that the peer takes as soon as the pipe does. */
  get canSend(): boolean {
    if (this.#phase !== "open" && this.#phase !== "leaving") return false;
    return (
      this.#creditWaits > 0 || this.outflow.canSend || (this.#closing !== undefined && this.outflow.isEmpty)
    );
  }

  /** Sends one piece of what waits, and what is small beside it. */
  sendNext(): void {
    if (this.#creditWaits > 0) this.#sayCredit();
    this.outflow.sendNext();
    const closing = this.#closing;
    if (closing === undefined || !this.outflow.isEmpty) return;
    if (closing.how === "outcome") this.#sayOutcome(closing.trailer, closing.failure);
    else this.#sayReset(closing.failure);
    this.over();
  }

  #leave(closing: Closing): void {
    this.#phase = "leaving";
    this.#closing = closing;
    this.core.schedule(this);
  }

  #sayCredit(): void {
    const { batch } = this.core;
    if (this.#phase === "open" && !this.#isPeerDone) {
      batch.encoder.credit(this.#id, this.#creditWaits);
      batch.hold();
    }
    this.#creditWaits = 0;
  }

  #sayOutcome(trailer: Metadata, failure: CallFailure | undefined): void {
    const { batch } = this.core;
    if (trailer.length === 0 && failure === undefined) batch.encoder.end(this.#id);
    else batch.encoder.outcome(this.#id, trailer, failure);
    batch.ready();
  }

  #sayReset(failure: CallFailure): void {
    this.core.batch.encoder.reset(this.#id, failure);
    this.core.batch.ready();
  }

  // What the peer says.

  onData(bytes: Uint8Array, flags: number): void {
    if (this.#phase !== "open") return;
    if (this.#isPeerDone) throw afterEnd("DATA", this.#id);
    if (!this.#window.receive(bytes.length + PIECE_OVERHEAD)) {
      throw new LaneProtocolError(
        "credit",
        `No more may be sent than was credited, but on call ${this.#id} ${bytes.length} bytes, and ${PIECE_OVERHEAD} for the frame, came on ${this.#window.allowed} of credit`,
      );
    }
    this.#messageSize += bytes.length;
    const { maxMessage } = this.core.limits;
    if (this.#messageSize > maxMessage) {
      this.fail(messageTooLarge(this, this.sends === "request" ? "response" : "request", maxMessage));
      return;
    }
    this.#isInside = (flags & FrameFlag.MORE) !== 0;
    if (!this.#isInside) this.#messageSize = 0;
    this.#isPeerDone = (flags & FrameFlag.END) !== 0;
    const gzip = (flags & FrameFlag.GZIP) !== 0;
    this.deliver({ form: "bytes", bytes, more: this.#isInside, gzip }, this.#isPeerDone);
  }

  onCredit(bytes: number): void {
    if (this.#phase === "open" || this.#phase === "leaving") this.outflow.credited(bytes);
  }

  abstract onEnd(trailer: Metadata, failure: CallFailure | undefined): void;

  abstract onReset(failure: CallFailure): void;

  abstract onMetadataTooLarge(): void;

  /** No further message comes, and the last was whole. */
  protected peerDone(): void {
    if (this.#isPeerDone) throw afterEnd("END", this.#id);
    if (this.#isInside) {
      throw new LaneProtocolError(
        "call-order",
        `A message must be whole before END, but on call ${this.#id} END came inside one`,
      );
    }
    this.#isPeerDone = true;
  }
}

function afterEnd(what: string, id: number): LaneProtocolError {
  return new LaneProtocolError("call-order", `Nothing may follow END, but ${what} did on call ${id}`);
}
