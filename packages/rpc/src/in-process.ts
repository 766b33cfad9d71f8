import type {
  CallFailure,
  CallHandler,
  CallHead,
  Connection,
  ConnectionEnd,
  Metadata,
  Piece,
  RequestSink,
  ResponseSink,
} from "@connect-plugin/protocol";
import { NO_METADATA } from "./metadata.js";
import { ignoredRequests } from "./service-switch.js";

/**
 * A connection to a handler in this process. Calls pass straight through; what it adds is a lifetime: closing it ends
 * the calls in flight on both sides.
 */
export function createInProcessConnection(handler: CallHandler): Connection {
  const calls: InProcessCall[] = [];
  let closedWith: CallFailure | undefined;
  let settle: (end: ConnectionEnd) => void = ignore;
  const closed = new Promise<ConnectionEnd>((resolve) => {
    settle = resolve;
  });

  return {
    closed,
    start(head, responses) {
      if (closedWith !== undefined) {
        responses.end(NO_METADATA, { ...closedWith, notDelivered: true });
        return ignoredRequests;
      }
      const call = new InProcessCall(calls, responses);
      call.begin(handler, head);
      return call;
    },
    close(failure) {
      if (closedWith !== undefined) return;
      closedWith = failure;
      for (const call of [...calls]) call.cut(failure);
      settle({ how: "closed", failure });
    },
  };
}

/** A call that passes. After its end, from either side or the middle, nothing passes any more. */
class InProcessCall implements RequestSink {
  /** Undefined after the end. */
  private caller: ResponseSink | undefined;
  private callee: RequestSink | undefined = undefined;
  private cancelledWith: CallFailure | undefined = undefined;
  private readonly calls: InProcessCall[];
  private slot: number;

  constructor(calls: InProcessCall[], caller: ResponseSink) {
    this.calls = calls;
    this.caller = caller;
    this.slot = calls.length;
    calls.push(this);
  }

  begin(handler: CallHandler, head: CallHead): void {
    const callee = handler.start(head, new InProcessResponses(this));
    if (this.cancelledWith !== undefined) callee.cancel(this.cancelledWith);
    else this.callee = callee;
  }

  // ---- from the caller

  message(piece: Piece, last: boolean): void {
    if (this.caller !== undefined) this.callee?.message(piece, last);
  }

  end(): void {
    if (this.caller !== undefined) this.callee?.end();
  }

  cancel(failure: CallFailure): void {
    if (this.close() === undefined) return;
    this.cancelledWith = failure;
    this.callee?.cancel(failure);
  }

  credit(bytes: number): void {
    if (this.caller !== undefined) this.callee?.credit(bytes);
  }

  // ---- from the callee

  get open(): ResponseSink | undefined {
    return this.caller;
  }

  ended(trailer: Metadata, failure: CallFailure | undefined): void {
    this.close()?.end(trailer, failure);
  }

  // ---- from the connection

  cut(failure: CallFailure): void {
    const caller = this.close();
    if (caller === undefined) return;
    this.cancelledWith = failure;
    this.callee?.cancel(failure);
    caller.end(NO_METADATA, failure);
  }

  /** Returns the caller, if the call was not over before. */
  private close(): ResponseSink | undefined {
    const { caller } = this;
    if (caller === undefined) return undefined;
    this.caller = undefined;
    const last = this.calls.pop();
    if (last !== undefined && last !== this) {
      this.calls[this.slot] = last;
      last.slot = this.slot;
    }
    return caller;
  }
}

class InProcessResponses implements ResponseSink {
  private readonly call: InProcessCall;

  constructor(call: InProcessCall) {
    this.call = call;
  }

  header(header: Metadata): void {
    this.call.open?.header(header);
  }

  message(piece: Piece): void {
    this.call.open?.message(piece);
  }

  end(trailer: Metadata, failure: CallFailure | undefined): void {
    this.call.ended(trailer, failure);
  }

  credit(bytes: number): void {
    this.call.open?.credit(bytes);
  }
}

function ignore(): void {}
