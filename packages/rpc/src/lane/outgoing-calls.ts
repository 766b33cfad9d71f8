import {
  type CallFailure,
  type CallHead,
  LaneProtocolError,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { FreshIds, isLater } from "./call-ids.js";
import type { LaneCore } from "./lane-core.js";
import { tooManyCalls, undelivered } from "./lane-failure.js";
import { OutgoingStream } from "./outgoing-stream.js";
import { StreamTable } from "./stream-table.js";

/** Whether calls can be opened: `shut` until the peer has said what it takes, `refusing` for good. */
type Gate =
  | { readonly state: "shut" | "open" }
  | { readonly state: "refusing"; readonly failure: CallFailure };

/** The calls that this side makes: those that the peer knows of, and those that wait until it can take them. */
export class OutgoingCalls {
  readonly #core: LaneCore;
  readonly #ids: FreshIds;
  readonly #open = new StreamTable<OutgoingStream>();
  readonly #waiting = new Set<OutgoingStream>();
  #gate: Gate = { state: "shut" };

  constructor(core: LaneCore, firstId: number | undefined) {
    this.#core = core;
    this.#ids = new FreshIds(core.side, firstId);
  }

  get open(): number {
    return this.#open.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  start(head: CallHead, responses: ResponseSink): RequestSink {
    const stream = new OutgoingStream(this.#core, head, responses);
    const excess = this.#excess();
    if (this.#gate.state === "refusing") stream.lose(this.#gate.failure);
    else if (excess !== undefined) stream.fail(tooManyCalls(head, this.#core.peerName, excess));
    else if (this.#waiting.size === 0 && this.#canOpen()) this.#tell(stream);
    else this.#waiting.add(stream);
    return stream;
  }

  /** Opens the first of those that wait, if it can be. */
  openNext(): boolean {
    if (this.#waiting.size === 0 || !this.#canOpen()) return false;
    for (const stream of this.#waiting) {
      this.#waiting.delete(stream);
      this.#tell(stream);
      // What it has to send may fit into the same frame.
      if (stream.canSend) stream.sendNext();
      this.#core.schedule(stream);
      break;
    }
    return true;
  }

  /** The peer has said what it takes. */
  admit(): void {
    if (this.#gate.state === "shut") this.#gate = { state: "open" };
  }

  /** The peer takes no further calls: none after `lastId`, and of those that it has not seen none at all. */
  refuse(failure: CallFailure, lastId: number): void {
    if (this.#gate.state === "refusing") return;
    this.#gate = { state: "refusing", failure };
    for (const stream of this.#open.snapshot()) {
      if (lastId === 0 || isLater(stream.id, lastId)) stream.lose(undelivered(failure));
    }
    for (const stream of [...this.#waiting]) stream.lose(failure);
  }

  /** All calls fail, and all that follow. */
  lose(failure: CallFailure): void {
    this.#gate = { state: "refusing", failure };
    for (const stream of this.#open.snapshot()) stream.lose(failure);
    for (const stream of [...this.#waiting]) stream.lose(failure);
  }

  /** Undefined for a call that is over. Throws if there has never been one. */
  find(id: number): OutgoingStream | undefined {
    const stream = this.#open.get(id);
    if (stream === undefined && !this.#ids.used.has(id)) {
      throw new LaneProtocolError(
        "unknown-call",
        `Frames must be about calls that have been opened, but the ${this.#core.side} has not opened call ${id}`,
      );
    }
    return stream;
  }

  forget(stream: OutgoingStream): void {
    if (stream.id !== 0) this.#open.remove(stream);
    else this.#waiting.delete(stream);
  }

  #canOpen(): boolean {
    const { batch, peer } = this.#core;
    return this.#gate.state === "open" && this.#open.size < peer.maxCalls && !batch.blocked;
  }

  #tell(stream: OutgoingStream): void {
    if (stream.open(this.#ids.take(this.#open))) this.#open.add(stream);
  }

  /** What there is too much of to take on another call. */
  #excess(): string | undefined {
    const { limits, queuedBytes } = this.#core;
    if (queuedBytes > limits.memory) return `${queuedBytes} bytes wait to be sent already`;
    if (this.#waiting.size < limits.maxWaiting || (this.#waiting.size === 0 && this.#canOpen()))
      return undefined;
    return `${this.#waiting.size} calls wait for their turn already`;
  }
}
