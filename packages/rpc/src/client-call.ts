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
import { Code, ConnectError } from "@connectrpc/connect";
import { addAbortListener, removeAbortListener } from "./abort-listeners.js";
import { aborted, type CallSetup, cancelled, deadlinePassed } from "./call-setup.js";
import type { ClientMethod } from "./client-method.js";
import { toConnectError, toFailure } from "./connect-failure.js";
import { MessageIntake } from "./message-intake.js";
import { MessagePump } from "./message-pump.js";
import { checkMetadata } from "./metadata.js";
import { NOT_WAITING, type Timed } from "./timer-wheel.js";

/** What a call sends: one message, or a stream of what messages can be made of. */
export type Requests =
  | { readonly many: false; readonly message: Message }
  | { readonly many: true; readonly source: AsyncIterable<unknown> };

/**
 * One call, on the side that makes it: deadline, abort, parent, requests out, pieces in. What becomes of the responses
 * is up to its two kinds. Neither method of those may throw.
 */
export abstract class ClientCall implements ResponseSink, Timed {
  readonly deadline: number;
  wheelTick = NOT_WAITING;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;

  protected readonly method: ClientMethod;
  protected intake: MessageIntake | undefined = undefined;
  private readonly setup: CallSetup;
  private request: RequestSink | undefined = undefined;
  private pump: MessagePump<unknown> | undefined = undefined;
  private forgetParent: (() => void) | undefined = undefined;
  private abandonedWith: CallFailure | undefined = undefined;
  private over = false;

  constructor(method: ClientMethod, setup: CallSetup) {
    this.method = method;
    this.setup = setup;
    this.deadline = setup.deadline;
  }

  // ---- what becomes of the responses

  protected abstract headed(header: Metadata): void;
  /** `cost` is what it takes of the provider's credit. */
  protected abstract received(message: Message, cost: number): void;
  /** Well, after as many messages as the kind of the method allows. */
  protected abstract completed(trailer: Metadata): void;
  protected abstract failed(error: ConnectError): void;
  /** What is missing or too much for the kind of the method, if anything. */
  protected abstract mismatch(): string | undefined;
  /** Whether its consumer has nothing to take. */
  protected abstract readonly consumerWaits: boolean;

  // ---- its life

  start(requests: Requests): void {
    const { method, setup } = this;
    const { signal, parent } = setup;
    if (signal !== undefined) {
      if (signal.aborted) {
        this.fail(aborted(method, signal), signal.reason);
        return;
      }
      addAbortListener(signal, this.onAbort);
    }
    if (setup.isLate) {
      this.expire();
      return;
    }
    method.timers.add(this);
    if (parent !== undefined) {
      this.forgetParent = parent.onCancel((failure) => this.abandon(failure));
      if (this.over) return;
    }
    if (method.grant === undefined) this.open(undefined, requests);
    else this.openWithGrant(method.grant, requests);
  }

  expire(): void {
    this.abandon(deadlinePassed(this.method, this.setup));
  }

  /** The caller does not want it any more. */
  protected leave(why: string): void {
    this.abandon(cancelled(this.method, why));
  }

  private readonly onAbort = (): void => {
    const { signal } = this.setup;
    if (signal !== undefined) this.abandon(aborted(this.method, signal), signal.reason);
  };

  private openWithGrant(grant: NonNullable<ClientMethod["grant"]>, requests: Requests): void {
    try {
      const granted = grant();
      if (typeof granted === "object") {
        granted.then(
          (id) => this.open(id, requests),
          (error: unknown) => this.failLocally(error),
        );
      } else {
        this.open(granted, requests);
      }
    } catch (error) {
      this.failLocally(error);
    }
  }

  private open(grant: string | undefined, requests: Requests): void {
    if (this.over) return;
    const { method, setup } = this;
    const { parent } = setup;
    const head: CallHead = {
      service: method.service,
      method: method.desc.name,
      kind: method.desc.methodKind,
      codec: "proto",
      acceptGzip: method.acceptGzip,
      header: setup.header,
      deadline: this.deadline,
      parent: parent === undefined || parent.id === 0 ? undefined : parent.id,
      target: method.target,
      grant,
      id: undefined,
      chain: undefined,
    };
    const request = method.calls.start(head, this);
    this.request = request;
    if (!this.over) this.send(request, requests);
    else if (this.abandonedWith !== undefined) request.cancel(this.abandonedWith);
  }

  private send(request: RequestSink, requests: Requests): void {
    const desc = this.method.desc.input;
    if (!requests.many) {
      request.message({ form: "message", desc, message: requests.message }, true);
      return;
    }
    try {
      this.pump = new MessagePump<unknown>(requests.source, {
        send: (init) => {
          const message = this.method.codec.create(desc, init);
          request.message({ form: "message", desc, message }, false);
          return TYPED_PIECE_COST;
        },
        done: () => request.end(),
        failed: (error) => this.failLocally(error),
        left: ignore,
      });
    } catch (error) {
      this.failLocally(error);
      return;
    }
    this.pump.start();
  }

  // ---- what the provider says

  header(header: Metadata): void {
    if (!this.over && this.accepts(header)) this.headed(header);
  }

  message(piece: Piece): void {
    if (this.over) return;
    let message: Message | undefined;
    try {
      message = this.read(piece);
    } catch (error) {
      this.abandon(toFailure(error));
      return;
    }
    if (message !== undefined) this.received(message, pieceCost(piece));
  }

  end(trailer: Metadata, failure: CallFailure | undefined): void {
    if (this.over || !this.accepts(trailer)) return;
    if (failure !== undefined) {
      this.fail(trailer.length === 0 ? failure : { ...failure, metadata: [...failure.metadata, ...trailer] });
      return;
    }
    if (this.intake?.partial === true) {
      this.fail(
        createFailure(
          "RESPONSE_INVALID",
          `${this.name} ended in the middle of a message, but without an error.`,
        ),
      );
      return;
    }
    const mismatch = this.mismatch();
    if (mismatch !== undefined) {
      this.fail(this.kindMismatch(mismatch));
      return;
    }
    this.close();
    this.completed(trailer);
  }

  credit(bytes: number): void {
    this.pump?.credited(bytes);
  }

  // ---- for the kinds

  protected openIntake(): MessageIntake {
    this.intake ??= new MessageIntake(this.method.reader, "proto", (bytes) => {
      if (!this.over) this.request?.credit(bytes);
    });
    return this.intake;
  }

  /** The provider broke the rules of the method's kind. */
  protected abandonMismatch(found: string): void {
    this.abandon(this.kindMismatch(found));
  }

  /** Something of the caller's own, its requests or a callback, threw this. */
  protected failLocally(error: unknown): void {
    if (this.over) return;
    this.stop(cancelled(this.method, "its caller failed"));
    this.failed(ConnectError.from(error, Code.Unknown));
  }

  protected get name(): string {
    return `${this.method.service}/${this.method.desc.name}`;
  }

  // ---- endings

  /** Ends it from here: tells the provider, and then the caller. */
  private abandon(failure: CallFailure, cause?: unknown): void {
    if (this.over) return;
    this.stop(failure);
    this.failed(errorOf(failure, cause));
  }

  private stop(failure: CallFailure): void {
    this.close();
    this.abandonedWith = failure;
    this.request?.cancel(failure);
  }

  private fail(failure: CallFailure, cause?: unknown): void {
    this.close();
    this.failed(errorOf(failure, cause));
  }

  private close(): void {
    this.over = true;
    this.method.timers.remove(this);
    const { signal } = this.setup;
    if (signal !== undefined) removeAbortListener(signal, this.onAbort);
    this.forgetParent?.();
    this.pump?.stop();
  }

  private accepts(metadata: Metadata): boolean {
    const failure = metadata.length === 0 ? undefined : checkMetadata(metadata, "plugin");
    if (failure !== undefined) this.abandon(failure);
    return failure === undefined;
  }

  private read(piece: Piece): Message | undefined {
    if (this.intake === undefined) {
      if (piece.form === "message" || !piece.more) return this.method.reader.whole(piece, "proto");
      this.openIntake();
    }
    return this.intake?.take(piece, this.consumerWaits);
  }

  private kindMismatch(found: string): CallFailure {
    const { service, desc } = this.method;
    return createFailure(
      "KIND_MISMATCH",
      `${this.name} is ${desc.methodKind}: it has exactly one response message, but ${found}.`,
      { fault: "plugin", facts: { service, method: desc.name, kind: desc.methodKind } },
    );
  }
}

function errorOf(failure: CallFailure, cause: unknown): ConnectError {
  const error = toConnectError(failure);
  if (cause !== undefined && cause !== error) error.cause = cause;
  return error;
}

function ignore(): void {}
