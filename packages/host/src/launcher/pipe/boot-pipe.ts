import {
  type CallFailure,
  createBootFrameReader,
  type Pipe,
  type PipeReceiver,
} from "@connect-plugin/protocol/boot";

/** Bytes that a peer may send before the lane has begun; an honest one sends next to nothing. */
const EARLY_LIMIT = 1_048_576;

/** What came before the lane. */
export type BootRead =
  | { readonly state: "frame"; readonly value: unknown }
  | { readonly state: "broken"; readonly failure: CallFailure }
  /** The pipe ended first; within a frame, if there is a failure. */
  | { readonly state: "ended"; readonly failure: CallFailure | undefined };

/** The first use of a launched plugin's pipe: one frame each way. Then the same pipe is the lane's. */
export interface BootPipe {
  /** Sends the frame of this side, encoded. */
  send(frame: Uint8Array): void;
  /** Settles once the other side's frame is there, or will never be. */
  readonly read: Promise<BootRead>;
  /** Settles at the end of the pipe, whoever uses it then. */
  readonly ended: Promise<void>;
  /** For the lane. What came after the frame is kept for it until it starts. */
  readonly pipe: Pipe;
}

export function createBootPipe(raw: Pipe): BootPipe {
  const receiver = new HandoverReceiver(raw);
  raw.start(receiver);
  return {
    send: (frame) => void raw.write(frame),
    read: receiver.read,
    ended: receiver.ended,
    pipe: {
      start: (taker) => receiver.handOver(taker),
      write: (bytes) => raw.write(bytes),
      defer: (task) => raw.defer(task),
      end: () => raw.end(),
      destroy: () => raw.destroy(),
    },
  };
}

class HandoverReceiver implements PipeReceiver {
  readonly read: Promise<BootRead>;
  readonly ended: Promise<void>;
  readonly #raw: Pipe;
  readonly #reader = createBootFrameReader();
  #settleRead!: (read: BootRead) => void;
  #settleEnded!: () => void;
  #reading = true;
  readonly #early: Uint8Array[] = [];
  #earlySize = 0;
  #taker: PipeReceiver | undefined;
  #end: { readonly error: Error | undefined } | undefined;

  constructor(raw: Pipe) {
    this.#raw = raw;
    this.read = new Promise((resolve) => {
      this.#settleRead = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.#settleEnded = resolve;
    });
  }

  data(bytes: Uint8Array): void {
    if (this.#taker !== undefined) this.#taker.data(bytes);
    else if (this.#reading) this.#readFrame(bytes);
    else this.#keep(bytes);
  }

  drained(): void {
    this.#taker?.drained();
  }

  closed(error: Error | undefined): void {
    this.#end = { error };
    this.#settleEnded();
    if (this.#reading) {
      this.#reading = false;
      this.#settleRead({ state: "ended", failure: this.#reader.end() });
    }
    this.#taker?.closed(error);
  }

  handOver(taker: PipeReceiver): void {
    if (this.#early.length === 0 && this.#end === undefined) {
      this.#taker = taker;
      return;
    }
    // Not from within `start`, which its caller may not be ready for.
    this.#raw.defer(() => {
      this.#taker = taker;
      for (const bytes of this.#early.splice(0)) taker.data(bytes);
      if (this.#end !== undefined) taker.closed(this.#end.error);
    });
  }

  #readFrame(bytes: Uint8Array): void {
    const read = this.#reader.read(bytes);
    if (read.state === "more") return;
    this.#reading = false;
    if (read.state === "broken") {
      this.#settleRead(read);
      return;
    }
    this.#keep(read.rest);
    this.#settleRead({ state: "frame", value: read.value });
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#earlySize += bytes.byteLength;
    if (this.#earlySize > EARLY_LIMIT) this.#raw.destroy();
    else this.#early.push(new Uint8Array(bytes));
  }
}
