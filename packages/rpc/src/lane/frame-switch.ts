import {
  type CallFailure,
  type CallHead,
  type FrameVisitor,
  type LaneSettings,
  type LaneSide,
  type Metadata,
  openerOf,
} from "@connect-plugin/protocol";
import type { IncomingCalls } from "./incoming-calls.js";
import type { LaneStream } from "./lane-stream.js";
import type { OutgoingCalls } from "./outgoing-calls.js";

/** What the peer can say of the connection itself. */
export interface ConnectionFrames {
  settings(settings: LaneSettings): void;
  ping(nonce: number, isAnswer: boolean): void;
  goAway(lastId: number, failure: CallFailure, isClose: boolean): void;
}

/** Brings each frame to its call. Frames of calls that are over are ignored. */
export class FrameSwitch implements FrameVisitor {
  readonly #side: LaneSide;
  readonly #outgoing: OutgoingCalls;
  readonly #incoming: IncomingCalls;
  readonly #connection: ConnectionFrames;

  constructor(
    side: LaneSide,
    outgoing: OutgoingCalls,
    incoming: IncomingCalls,
    connection: ConnectionFrames,
  ) {
    this.#side = side;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    this.#connection = connection;
  }

  head(id: number, head: CallHead): void {
    this.#incoming.accept(id, head);
  }

  headTooLarge(id: number, head: CallHead): void {
    this.#incoming.decline(id, head);
  }

  header(id: number, header: Metadata): void {
    this.#outgoing.find(id)?.onHeader(header);
  }

  metadataTooLarge(id: number): void {
    this.#outgoing.find(id)?.onMetadataTooLarge();
  }

  data(id: number, bytes: Uint8Array, flags: number): void {
    this.#find(id)?.onData(bytes, flags);
  }

  end(id: number, trailer: Metadata, failure: CallFailure | undefined): void {
    this.#find(id)?.onEnd(trailer, failure);
  }

  reset(id: number, failure: CallFailure): void {
    if (openerOf(id) === this.#side) {
      this.#outgoing.find(id)?.onReset(failure);
      return;
    }
    const stream = this.#incoming.find(id);
    if (stream !== undefined) this.#incoming.cancel(stream, failure);
  }

  credit(id: number, bytes: number): void {
    this.#find(id)?.onCredit(bytes);
  }

  settings(settings: LaneSettings): void {
    this.#connection.settings(settings);
  }

  ping(nonce: number, isAnswer: boolean): void {
    this.#connection.ping(nonce, isAnswer);
  }

  goAway(lastId: number, failure: CallFailure, isClose: boolean): void {
    this.#connection.goAway(lastId, failure, isClose);
  }

  #find(id: number): LaneStream | undefined {
    return openerOf(id) === this.#side ? this.#outgoing.find(id) : this.#incoming.find(id);
  }
}
