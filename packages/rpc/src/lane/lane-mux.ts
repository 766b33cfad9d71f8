import {
  type CallFailure,
  type CallHead,
  type ConnectionEnd,
  defaultSettings,
  FrameDecoder,
  LaneProtocolError,
  type LaneSettings,
  type LaneSide,
  otherSide,
  type Pipe,
  type PipeReceiver,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { compiledCodec } from "../compiled-codec.js";
import { toConnectError } from "../connect-failure.js";
import type { MessageCodec } from "../message-codec.js";
import { Batch } from "./batch.js";
import { BufferPool } from "./buffer-pool.js";
import type { WindowPool } from "./flow-window.js";
import { FrameReader } from "./frame-reader.js";
import { type ConnectionFrames, FrameSwitch } from "./frame-switch.js";
import { IncomingCalls } from "./incoming-calls.js";
import { IncomingStream } from "./incoming-stream.js";
import type { Lane, LaneOptions, LaneStats } from "./lane.js";
import type { LaneCore } from "./lane-core.js";
import { lost, ruleBroken } from "./lane-failure.js";
import { checkLimits, type LaneLimits } from "./lane-limits.js";
import type { LaneStream } from "./lane-stream.js";
import { OutgoingCalls } from "./outgoing-calls.js";
import { OutgoingStream } from "./outgoing-stream.js";
import { PieceStore } from "./piece-store.js";
import { PingBoard } from "./ping-board.js";
import { SendOrder } from "./send-order.js";

/** The lane: its parts, and what concerns the connection rather than one of its calls. */
export class LaneMux implements Lane, LaneCore {
  readonly closed: Promise<ConnectionEnd>;
  readonly side: LaneSide;
  readonly peerName: string;
  readonly batch: Batch;
  readonly codec: Pick<MessageCodec, "encode">;
  readonly limits: LaneLimits;
  readonly windows: WindowPool;
  readonly store: PieceStore;
  peer: LaneSettings = defaultSettings;
  queuedBytes = 0;

  readonly #pipe: Pipe;
  readonly #outgoing: OutgoingCalls;
  readonly #incoming: IncomingCalls;
  readonly #order: SendOrder;
  readonly #reader: FrameReader;
  readonly #pings = new PingBoard();
  readonly #poolSize: number;
  /** The ping that has not been answered because the pipe is full. */
  #pingWaits: number | undefined = undefined;
  #goneAway = false;
  #end: ConnectionEnd | undefined = undefined;
  #settle: (end: ConnectionEnd) => void = () => {};
  #idlers: (() => void)[] = [];
  /** When what is being read came; -1 until somebody asks. */
  #arrival = -1;

  /** `firstId` is for tests of what happens when ids go round. */
  constructor(pipe: Pipe, options: LaneOptions, firstId?: number) {
    this.side = options.side;
    this.peerName = options.peerName ?? `the ${otherSide(options.side)}`;
    this.codec = options.codec ?? compiledCodec;
    this.limits = checkLimits(options.limits ?? {});
    this.#poolSize = this.limits.memory - this.limits.maxCalls * this.limits.initialWindow;
    this.windows = { left: this.#poolSize };
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#pipe = pipe;
    const buffers = new BufferPool();
    this.store = new PieceStore(buffers);
    this.batch = new Batch(pipe, buffers);
    this.#outgoing = new OutgoingCalls(this, firstId);
    this.#incoming = new IncomingCalls(this, options.handler);
    this.#order = new SendOrder(this.batch, () => this.#outgoing.openNext());
    const decoder = new FrameDecoder(
      new FrameSwitch(this.side, this.#outgoing, this.#incoming, this.#connectionFrames()),
      { side: this.side, maxMetadata: this.limits.maxMetadata, now: () => this.#now() },
    );
    this.#reader = new FrameReader(decoder);
    this.batch.encoder.preface(this.limits);
    pipe.start(this.#receiver());
    this.batch.flush();
  }

  // Connection.

  start(head: CallHead, responses: ResponseSink): RequestSink {
    return this.#outgoing.start(head, responses);
  }

  close(failure: CallFailure): void {
    this.#close({ how: "closed", failure });
  }

  // Lane.

  get stats(): LaneStats {
    return {
      outgoing: this.#outgoing.open,
      incoming: this.#incoming.open,
      waiting: this.#outgoing.waiting,
      queuedBytes: this.queuedBytes,
      grownBytes: this.#poolSize - this.windows.left,
      bytesSent: this.batch.bytesSent,
      bytesReceived: this.#reader.bytesReceived,
    };
  }

  goAway(failure: CallFailure): void {
    if (this.#goneAway || this.#end !== undefined) return;
    this.#goneAway = true;
    this.#incoming.refuse();
    this.batch.encoder.goAway(this.#incoming.last, failure, false);
    this.batch.ready();
  }

  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idlers.push(resolve));
  }

  ping(): Promise<number> {
    if (this.#end !== undefined) return Promise.reject(toConnectError(this.#end.failure));
    const { nonce, answered } = this.#pings.add(performance.now());
    this.batch.encoder.ping(nonce, false);
    this.batch.ready();
    return answered;
  }

  // For the calls.

  get isClear(): boolean {
    return this.#order.isClear;
  }

  schedule(stream: LaneStream): void {
    this.#order.schedule(stream);
  }

  forget(stream: LaneStream): void {
    stream.list?.remove(stream);
    if (stream instanceof OutgoingStream) this.#outgoing.forget(stream);
    else if (stream instanceof IncomingStream) this.#incoming.forget(stream);
    if (this.#outgoing.waiting > 0) this.#order.run();
    if (this.#idlers.length > 0 && this.#isIdle) for (const resolve of this.#idlers.splice(0)) resolve();
  }

  get #isIdle(): boolean {
    return this.#outgoing.open === 0 && this.#outgoing.waiting === 0 && this.#incoming.open === 0;
  }

  // From the pipe.

  #receiver(): PipeReceiver {
    return {
      data: (bytes) => {
        if (this.#end !== undefined) return;
        this.#arrival = -1;
        try {
          this.#reader.read(bytes);
        } catch (error) {
          if (!(error instanceof LaneProtocolError)) throw error;
          this.#close({ how: "lost", failure: ruleBroken(this.side, this.peerName, error) });
        }
      },
      drained: () => {
        if (this.#end !== undefined) return;
        this.batch.drained();
        this.#answerPing();
        this.#order.run();
      },
      closed: (error) => {
        const failure = lost(this.side, this.peerName, this.#howLost(error));
        this.#ended({ how: "lost", failure });
      },
    };
  }

  #connectionFrames(): ConnectionFrames {
    return {
      settings: (settings) => {
        this.peer = settings;
        this.#outgoing.admit();
        this.#order.run();
      },
      ping: (nonce, isAnswer) => {
        if (isAnswer) return this.#pings.answer(nonce, performance.now());
        this.#pingWaits = nonce;
        if (!this.batch.blocked) this.#answerPing();
      },
      goAway: (lastId, failure, isClose) => {
        this.#outgoing.refuse(failure, lastId);
        if (!isClose) return;
        this.#ended({ how: failure.info?.reason === "LANE_PROTOCOL" ? "lost" : "closed", failure });
        this.#pipe.end();
      },
    };
  }

  #now(): number {
    if (this.#arrival < 0) this.#arrival = performance.now();
    return this.#arrival;
  }

  #answerPing(): void {
    if (this.#pingWaits === undefined) return;
    this.batch.encoder.ping(this.#pingWaits, true);
    this.batch.ready();
    this.#pingWaits = undefined;
  }

  #howLost(error: Error | undefined): string {
    if (error !== undefined) return error.message;
    if (this.#reader.bytesReceived === 0) return "its end was closed before it said anything";
    return this.#reader.isInside ? "its end was closed in the middle of a frame" : "its end was closed";
  }

  /** Says so to the peer. */
  #close(end: ConnectionEnd): void {
    if (this.#end !== undefined) return;
    this.batch.encoder.goAway(this.#incoming.last, end.failure, true);
    this.batch.flush();
    this.#ended(end);
    this.#pipe.end();
  }

  #ended(end: ConnectionEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#reader.stop();
    // Whatever the calls say from here on goes nowhere.
    this.batch.blocked = true;
    this.#settle(end);
    this.#pings.fail(toConnectError(end.failure));
    this.#outgoing.lose(end.failure);
    this.#incoming.lose(end.failure);
  }
}
