import type { Message } from "@bufbuild/protobuf";
import {
  type CallFailure,
  type CallHead,
  createFailure,
  type Metadata,
  type Piece,
  pieceCost,
  type RequestSink,
  type ResponseSink,
  TYPED_PIECE_COST,
} from "@connect-plugin/protocol";
import { ConnectError } from "@connectrpc/connect";
import type { CallContext, DeliveredCall } from "./call-context.js";
import { toConnectError, toFailure } from "./connect-failure.js";
import { answeredTooLate, handlerFailure, requestCountWrong } from "./handler-failure.js";
import type { MessageCodec } from "./message-codec.js";
import { MessageIntake } from "./message-intake.js";
import { MessagePump } from "./message-pump.js";
import { MessageQueue } from "./message-queue.js";
import { checkMetadata, NO_METADATA } from "./metadata.js";
import { ServiceContext } from "./service-context.js";
import type { ServiceMethod } from "./service-method.js";
import { NOT_WAITING, type Timed, type TimerWheel } from "./timer-wheel.js";

/** What all calls of a service end share. */
export interface ServiceCallHost {
  readonly codec: MessageCodec;
  readonly timers: TimerWheel;
  readonly draining: AbortSignal | undefined;
  readonly run: (<T>(call: DeliveredCall, task: () => T) => T) | undefined;
  readonly onUnexpectedError: ((error: unknown, call: CallContext) => void) | undefined;
  /** The call is over and its handler is done. */
  finished(call: ServiceCall): void;
}

/**
 * - `receiving`: the handler has not been called; its one request is on its way
 * - `running`: the handler is at work
 * - `abandoned`: the call is over for its caller, but the handler is still at work
 * - `over`: both are done
 */
type State = "receiving" | "running" | "abandoned" | "over";

/** One call, on the side that answers it. */
export class ServiceCall implements RequestSink, Timed {
  readonly deadline: number;
  wheelTick = NOT_WAITING;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  /** Where the service end keeps it. */
  slot = -1;

  private readonly host: ServiceCallHost;
  private readonly method: ServiceMethod;
  private readonly head: CallHead;
  private readonly responses: ResponseSink;
  private readonly context: ServiceContext;
  private state: State = "receiving";
  private headerSent = false;
  private request: Message | undefined = undefined;
  /** Made for streams, and for messages in several pieces. */
  private intake: MessageIntake | undefined = undefined;
  private requests: MessageQueue<Message> | undefined = undefined;
  private pump: MessagePump<unknown> | undefined = undefined;

  constructor(host: ServiceCallHost, method: ServiceMethod, head: CallHead, responses: ResponseSink) {
    this.deadline = head.deadline;
    this.host = host;
    this.method = method;
    this.head = head;
    this.responses = responses;
    this.context = new ServiceContext(method.desc, head, host.draining);
  }

  /** Calls the handler if it need not wait for its request. */
  begin(): void {
    if (this.deadline !== Infinity) this.host.timers.add(this);
    if (this.method.manyIn) this.invoke(this.openRequests().messages);
  }

  // ---- what the caller says

  message(piece: Piece, last: boolean): void {
    if (this.state === "abandoned" || this.state === "over") return;
    let message: Message | undefined;
    try {
      message = this.read(piece);
    } catch (error) {
      this.stop(toFailure(error));
      return;
    }
    if (message === undefined) return;
    if (this.requests !== undefined) {
      this.requests.push(message, pieceCost(piece));
      if (last) this.requests.end();
    } else if (this.request !== undefined) {
      this.stop(requestCountWrong(this.method.desc, "more than one came"));
    } else if (this.state === "receiving") {
      this.request = message;
      if (last) this.invoke(message);
    }
  }

  end(): void {
    if (this.intake?.partial === true) {
      this.stop(createFailure("MESSAGE_INVALID", "The requests ended in the middle of a message."));
    } else if (this.requests !== undefined) {
      this.requests.end();
    } else if (this.state === "receiving") {
      if (this.request === undefined) this.stop(requestCountWrong(this.method.desc, "none came"));
      else this.invoke(this.request);
    }
  }

  cancel(failure: CallFailure): void {
    this.abandon(failure);
  }

  credit(bytes: number): void {
    this.pump?.credited(bytes);
  }

  // ---- what this side decides

  expire(): void {
    this.stop(answeredTooLate(this.head));
  }

  /** Ends the call with a failure, whatever its handler does. */
  stop(failure: CallFailure): void {
    if (this.abandon(failure)) this.responses.end(NO_METADATA, failure);
  }

  /** Returns whether the call was not over before. */
  private abandon(failure: CallFailure): boolean {
    if (this.state === "receiving") {
      this.close();
      return true;
    }
    if (this.state !== "running") return false;
    this.state = "abandoned";
    this.host.timers.remove(this);
    this.context.cancel(failure);
    this.requests?.fail(toConnectError(failure));
    this.pump?.stop();
    return true;
  }

  // ---- the handler

  private invoke(request: unknown): void {
    this.state = "running";
    const { context, host, method } = this;
    let result: unknown;
    try {
      result =
        host.run === undefined
          ? method.handler(request, context)
          : host.run(context, () => method.handler(request, context));
      if (method.manyOut) this.pumpResponses(result as AsyncIterable<unknown>);
    } catch (error) {
      this.failed(error);
      return;
    }
    if (method.manyOut) return;
    if (isPromiseLike(result)) result.then(this.succeeded, this.failed);
    else this.succeeded(result);
  }

  private readonly succeeded = (output: unknown): void => {
    // A thenable that is no promise may settle twice.
    if (this.state === "over") return;
    if (this.state === "abandoned") {
      this.close();
      return;
    }
    const desc = this.method.desc.output;
    let message: Message;
    try {
      message = this.host.codec.create(desc, output);
    } catch (error) {
      this.failed(error);
      return;
    }
    this.finish({ form: "message", desc, message });
  };

  private readonly failed = (error: unknown): void => {
    if (this.state === "over") return;
    const failure = this.failureOf(error);
    if (this.state === "abandoned") {
      this.close();
      return;
    }
    const trailer = this.context.trailerToSend();
    const trailerIsValid = checkMetadata(trailer, "plugin") === undefined;
    this.close();
    this.responses.end(trailerIsValid ? trailer : NO_METADATA, failure);
  };

  private openRequests(): MessageQueue<Message> {
    const intake = this.openIntake();
    const requests = new MessageQueue<Message>({
      taken: (cost) => intake.taken(cost, requests.empty),
      left: ignore,
    });
    this.requests = requests;
    return requests;
  }

  private pumpResponses(source: AsyncIterable<unknown>): void {
    const { context, host } = this;
    const { run } = host;
    const pump = new MessagePump<unknown>(
      source,
      {
        send: (output) => this.send(output),
        done: () => this.finish(undefined),
        failed: this.failed,
        left: (error) => {
          if (error !== undefined) this.failureOf(error);
          this.close();
        },
      },
      run === undefined ? undefined : (step) => run(context, step),
    );
    this.pump = pump;
    // The call may have ended while its handler was being called.
    if (this.state === "abandoned") pump.stop();
    else pump.start();
  }

  // ---- what the caller is told

  private send(output: unknown): number {
    const desc = this.method.desc.output;
    const message = this.host.codec.create(desc, output);
    this.sendHeader();
    this.responses.message({ form: "message", desc, message });
    return TYPED_PIECE_COST;
  }

  /** Throws a `ConnectError` if the handler has set what cannot be sent. */
  private sendHeader(): void {
    if (this.headerSent) return;
    this.headerSent = true;
    const header = this.context.headerToSend();
    if (header === undefined) return;
    checkOwnMetadata(header);
    this.responses.header(header);
  }

  /** Ends the call well, with a last message or without. */
  private finish(piece: Piece | undefined): void {
    const trailer = this.context.trailerToSend();
    try {
      if (trailer.length > 0) checkOwnMetadata(trailer);
      this.sendHeader();
    } catch (error) {
      this.failed(error);
      return;
    }
    this.close();
    if (piece !== undefined) this.responses.message(piece);
    this.responses.end(trailer, undefined);
  }

  private close(): void {
    this.state = "over";
    this.host.timers.remove(this);
    this.context.finish();
    this.host.finished(this);
  }

  // ---- pieces and failures

  private read(piece: Piece): Message | undefined {
    if (this.intake === undefined) {
      if (piece.form === "message" || !piece.more) return this.method.reader.whole(piece, this.head.codec);
      this.openIntake();
    }
    return this.intake?.take(piece, this.requests?.empty ?? true);
  }

  private openIntake(): MessageIntake {
    const intake = new MessageIntake(this.method.reader, this.head.codec, (bytes) => {
      if (this.state === "receiving" || this.state === "running") this.responses.credit(bytes);
    });
    this.intake = intake;
    return intake;
  }

  private failureOf(error: unknown): CallFailure {
    if (!(error instanceof ConnectError)) this.report(error);
    return handlerFailure(this.head, error);
  }

  private report(error: unknown): void {
    // Whoever was told to stop says so by such an error.
    if (this.state === "abandoned" && error instanceof Error && error.name === "AbortError") return;
    try {
      this.host.onUnexpectedError?.(error, this.context);
    } catch {
      // Reporting is no reason for a call to end differently.
    }
  }
}

function checkOwnMetadata(metadata: Metadata): void {
  const failure = checkMetadata(metadata, "plugin");
  if (failure !== undefined) throw toConnectError(failure);
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function ignore(): void {}
