import {
  type BytesPiece,
  type CallFailure,
  type CallHandler,
  type CallHead,
  createFailure,
  INITIAL_CREDIT,
  type Metadata,
  type Piece,
  pieceCost,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { deadlines, type MessageCodec, NOT_WAITING, type Timed } from "@connect-plugin/rpc";
import type { DoorLimits } from "../door-limits.js";
import {
  dropBody,
  type HttpRequest,
  type HttpResponse,
  type ResponseFields,
  streamOf,
} from "../http-exchange.js";

/** What all calls of a door share. */
export interface DoorGround {
  readonly limits: DoorLimits;
  /** Encodes what providers in this process answer. */
  readonly codec: MessageCodec;
  /** Whether no new call is taken: callers are told to come back on another connection. */
  readonly draining: boolean;
  /** Nothing of the call is left: its response has been sent, or its caller has gone. */
  closed(call: DoorCall): void;
}

/**
 * - `opening`: nobody has been given the call, or is just being given it
 * - `open`: a handler has it
 * - `over`: it was answered, or nobody is there to answer to
 */
type Phase = "opening" | "open" | "over";

/** Bytes that a slow message must bring on in the time that it may take. */
const PROGRESS = 65_536;

/**
 * One call at the door. Here is what all protocols have in common: the body in, as fast as the handler takes it;
 * credit for what the caller's connection takes; and that it ends once, whoever ends it.
 */
export abstract class DoorCall implements ResponseSink, Timed {
  deadline = Infinity;
  wheelTick = NOT_WAITING;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;

  readonly request: HttpRequest;
  /** Fields of the response that the door adds. */
  extraFields: ResponseFields | undefined = undefined;
  protected readonly ground: DoorGround;
  protected readonly response: HttpResponse;
  protected requests: RequestSink = nowhere;
  private phase: Phase = "opening";
  /** Why the call ended while it was being opened, if its handler must be told. */
  private stopped: CallFailure | undefined = undefined;
  private window = INITIAL_CREDIT;
  /** What was read and not yet given on, and how far it was. */
  private chunk: Uint8Array | undefined = undefined;
  private at = 0;
  private giving = false;
  private bodyEnded = false;
  private received = 0;
  private receivedBefore = 0;
  /** Cost of what the connection has not taken yet. */
  private owed = 0;
  private blocked = false;
  private waitsForDrain = false;

  constructor(ground: DoorGround, request: HttpRequest, response: HttpResponse) {
    this.ground = ground;
    this.request = request;
    this.response = response;
    response.on("close", this.onClose);
    response.on("error", ignore);
    if (streamOf(request) !== undefined) request.on("error", ignore);
  }

  // ---- for the protocols

  /** What a chunk of the body stands for; undefined, after the call was stopped, if it stands for nothing. */
  protected decode(chunk: Uint8Array): Uint8Array | undefined {
    return chunk;
  }

  /** Gives on what a chunk holds from `at`, one piece at most, and returns where it stopped. */
  protected abstract take(chunk: Uint8Array, at: number): number;
  /** All of the body has been taken. */
  protected abstract taken(): void;
  /** Whether nothing of the body is left to come. */
  protected get bodyIsIn(): boolean {
    return this.bodyEnded;
  }

  /** Whether a message has begun, or must come, that is not complete. */
  protected abstract readonly inside: boolean;
  /** Answers with an end of the call. May throw what Node throws at fields that cannot be sent. */
  protected abstract respond(trailer: Metadata, failure: CallFailure | undefined, status?: number): void;
  /** Answers with a failure and nothing that came from the provider. */
  protected abstract respondBare(failure: CallFailure): void;
  /** What the provider says before its first message. May throw as `respond` does. */
  protected abstract head(header: Metadata): void;
  abstract message(piece: Piece): void;

  // ---- its life

  /** Answers without giving the call to anybody. `status`: of HTTP, where it is not that of the code. */
  refuse(failure: CallFailure, status?: number): void {
    if (this.phase !== "over") this.answer([], failure, status);
  }

  begin(handler: CallHandler, head: CallHead): void {
    let requests: RequestSink;
    try {
      requests = handler.start(head, this);
    } catch {
      this.stop(createFailure("HANDLER_FAILED", "The call could not be begun.", { fault: "host" }));
      return;
    }
    if (this.isOver) {
      if (this.stopped !== undefined) requests.cancel(this.stopped);
      return;
    }
    this.phase = "open";
    this.requests = requests;
    if (this.owed > 0 && !this.blocked) this.payOwed();
    this.receive();
  }

  /** Ends it for both sides, for a reason of the door's own. */
  stop(failure: CallFailure, status?: number): void {
    if (this.isOver) return;
    this.stopped = failure;
    this.answer([], failure, status);
    this.requests.cancel(failure);
  }

  get isOver(): boolean {
    return this.phase === "over";
  }

  /** A message does not come on. */
  expire(): void {
    if (this.received - this.receivedBefore >= PROGRESS) {
      this.watchProgress();
      return;
    }
    const { bodyMs } = this.ground.limits;
    this.stop(
      createFailure(
        "DEADLINE_EXCEEDED",
        `A message must come on by ${PROGRESS} bytes in ${bodyMs} ms, or end; this one has stopped in the middle.`,
        { facts: { limit: String(bodyMs) } },
      ),
      408,
    );
  }

  private readonly onClose = (): void => {
    this.ground.closed(this);
    if (this.isOver) return;
    const failure = createFailure("CANCELLED", "The caller has gone away.");
    this.stopped = failure;
    this.close();
    this.requests.cancel(failure);
  };

  private close(): void {
    this.phase = "over";
    this.chunk = undefined;
    deadlines.remove(this);
  }

  private answer(trailer: Metadata, failure: CallFailure | undefined, status: number | undefined): void {
    this.close();
    const canSend = isSendable(trailer) && (failure === undefined || isSendable(failure.metadata));
    try {
      if (canSend) this.respond(trailer, failure, status);
      else this.respond([], unsendable(), undefined);
    } catch {
      // Fields that this version of HTTP does not take. If the response has begun, only cutting it off tells the caller.
      if (this.response.headersSent) this.request.destroy();
      else this.respondBare(unsendable());
    }
    if (!this.bodyIsIn) dropBody(this.request);
    else if (this.request.isPaused()) this.request.resume();
  }

  // ---- requests

  private receive(): void {
    this.watchProgress();
    this.request.on("data", this.onData);
    this.request.on("end", this.onEnd);
  }

  private readonly onData = (chunk: Uint8Array): void => {
    if (this.isOver) return;
    this.received += chunk.byteLength;
    this.chunk = this.decode(chunk);
    this.at = 0;
    if (this.chunk !== undefined && !this.isOver) this.giveOn();
  };

  private readonly onEnd = (): void => {
    this.bodyEnded = true;
    if (this.chunk === undefined && !this.isOver) this.endRequests();
  };

  private endRequests(): void {
    deadlines.remove(this);
    this.taken();
  }

  private giveOn(): void {
    const chunk = this.chunk as Uint8Array;
    this.giving = true;
    while (this.window > 0 && this.at < chunk.byteLength && !this.isOver) this.at = this.take(chunk, this.at);
    this.giving = false;
    if (this.isOver) return;
    if (this.at === chunk.byteLength) this.chunk = undefined;
    if (this.window <= 0) {
      this.request.pause();
      deadlines.remove(this);
    } else if (!this.inside) deadlines.remove(this);
    else if (this.wheelTick === NOT_WAITING) this.watchProgress();
  }

  /** One piece, for the handler. */
  protected give(piece: BytesPiece, last: boolean): void {
    this.window -= pieceCost(piece);
    this.requests.message(piece, last);
  }

  credit(bytes: number): void {
    this.window += bytes;
    if (this.giving || this.window <= 0 || this.phase !== "open") return;
    if (this.chunk !== undefined) this.giveOn();
    if (this.isOver || this.chunk !== undefined || this.window <= 0) return;
    if (this.bodyEnded) this.endRequests();
    else if (this.request.isPaused()) {
      if (this.inside && this.wheelTick === NOT_WAITING) this.watchProgress();
      this.request.resume();
    }
  }

  private watchProgress(): void {
    this.receivedBefore = this.received;
    this.deadline = performance.now() + this.ground.limits.bodyMs;
    deadlines.add(this);
  }

  // ---- responses

  end(trailer: Metadata, failure: CallFailure | undefined): void {
    if (!this.isOver) this.answer(trailer, failure, undefined);
  }

  protected get commonFields(): ResponseFields | undefined {
    if (!this.ground.draining || this.request.httpVersionMajor >= 2) return this.extraFields;
    return { ...this.extraFields, connection: "close" };
  }

  header(header: Metadata): void {
    if (this.isOver) return;
    if (isSendable(header)) this.head(header);
    else this.stop(unsendable());
  }

  protected write(bytes: Uint8Array): void {
    if (this.response.write(bytes)) return;
    this.blocked = true;
    if (this.waitsForDrain) return;
    this.waitsForDrain = true;
    this.response.on("drain", this.onDrain);
  }

  /** Tells the handler that a piece was taken: now, or when the connection has. */
  protected paid(cost: number): void {
    this.owed += cost;
    if (!this.blocked && this.phase === "open") this.payOwed();
  }

  private readonly onDrain = (): void => {
    this.blocked = false;
    if (this.owed > 0 && this.phase === "open") this.payOwed();
  };

  private payOwed(): void {
    const { owed } = this;
    this.owed = 0;
    this.requests.credit(owed);
  }
}

/** A response of which the caller can be told nothing but that it is broken. */
export function invalidResponse(found: string): CallFailure {
  return createFailure("RESPONSE_INVALID", `The answer cannot be passed on: ${found}.`);
}

const VALUE = /^[\x20-\x7e]*$/;
const NAME = /^[a-z0-9!#$%&'*+\-.^_`|~]+$/;

function isSendable(metadata: Metadata): boolean {
  return metadata.every(([name, value]) => VALUE.test(value) && NAME.test(name));
}

export function unsendable(): CallFailure {
  return invalidResponse("its metadata holds what HTTP cannot carry");
}

function ignore(): void {}

const nowhere: RequestSink = { message: ignore, end: ignore, cancel: ignore, credit: ignore };
