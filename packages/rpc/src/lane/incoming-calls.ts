import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  LaneProtocolError,
  otherSide,
} from "@connect-plugin/protocol";
import { isLater, UsedIds } from "./call-ids.js";
import { CancelAllowance } from "./cancel-allowance.js";
import { IncomingStream } from "./incoming-stream.js";
import type { LaneCore } from "./lane-core.js";
import { StreamTable } from "./stream-table.js";

/** The calls that the peer makes. */
export class IncomingCalls {
  readonly #core: LaneCore;
  readonly #handler: CallHandler;
  readonly #used = new UsedIds();
  readonly #open = new StreamTable<IncomingStream>();
  readonly #allowance: CancelAllowance;
  #isRefusing = false;

  constructor(core: LaneCore, handler: CallHandler) {
    this.#core = core;
    this.#handler = handler;
    this.#allowance = new CancelAllowance(core.limits.maxCancels, performance.now());
  }

  get open(): number {
    return this.#open.size;
  }

  /** The last call that was accepted, 0 for none: nothing later is, once calls are refused. */
  get last(): number {
    return this.#used.last;
  }

  /** Takes no more calls. */
  refuse(): void {
    this.#isRefusing = true;
  }

  accept(id: number, head: CallHead): void {
    this.#take(id, head)?.start(this.#handler);
  }

  /** The peer opened a call whose header cannot be accepted. */
  decline(id: number, head: CallHead): void {
    this.#take(id, head)?.onMetadataTooLarge();
  }

  /** Undefined for a call that is over. Throws if there has never been one. */
  find(id: number): IncomingStream | undefined {
    const stream = this.#open.get(id);
    if (stream === undefined && !this.#used.has(id) && !this.#isRefusing) {
      throw new LaneProtocolError(
        "unknown-call",
        `Frames must be about calls that have been opened, but the ${otherSide(this.#core.side)} has not opened call ${id}`,
      );
    }
    return stream;
  }

  /** The peer cancels a call. */
  cancel(stream: IncomingStream, failure: CallFailure): void {
    if (!this.#allowance.spend(performance.now())) {
      throw new LaneProtocolError(
        "too-many-cancels",
        `Calls may be cancelled, but not more than ${this.#core.limits.maxCancels} beyond those that are not`,
      );
    }
    stream.onReset(failure);
  }

  lose(failure: CallFailure): void {
    for (const stream of this.#open.snapshot()) stream.lose(failure);
  }

  forget(stream: IncomingStream): void {
    this.#open.remove(stream);
  }

  /** Undefined if calls are refused: the peer has been told, or is about to be. */
  #take(id: number, head: CallHead): IncomingStream | undefined {
    if (this.#isRefusing) return undefined;
    const { last } = this.#used;
    if (last !== 0 && !isLater(id, last)) {
      throw new LaneProtocolError("id-order", `Ids of calls must go up, but ${id} was opened after ${last}`);
    }
    const { maxCalls } = this.#core.limits;
    if (this.#open.size >= maxCalls) {
      throw new LaneProtocolError(
        "too-many-calls",
        `${maxCalls} calls may be open at a time, but ${id} was opened beside as many`,
      );
    }
    this.#used.last = id;
    this.#allowance.earn();
    const stream = new IncomingStream(this.#core, id, head);
    this.#open.add(stream);
    return stream;
  }
}
