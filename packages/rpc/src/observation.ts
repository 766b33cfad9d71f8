import type {
  CallFailure,
  CallHandler,
  CallHead,
  Metadata,
  Piece,
  RequestSink,
  ResponseSink,
} from "@connect-plugin/protocol";

/**
 * Watches a call from its start to its end. Returns nothing for calls that it does not care about. Must not throw.
 */
export type Observe = (head: CallHead) => CallObservation | undefined;

export interface CallObservation {
  /** Added to the header before the call is sent, such as `traceparent`. */
  readonly header?: Metadata;
  /** Exactly once. Must not throw. */
  end(outcome: CallOutcome): void;
}

export interface CallOutcome {
  /** Undefined if the call went well. */
  readonly failure: CallFailure | undefined;
}

/** A handler whose calls are watched. */
export function observeCalls(calls: CallHandler, observe: Observe): CallHandler {
  return {
    start(head, responses) {
      const observation = observe(head);
      if (observation === undefined) return calls.start(head, responses);
      const watched = new ObservedCall(observation, responses);
      const { header = [] } = observation;
      const extended = header.length === 0 ? head : { ...head, header: [...head.header, ...header] };
      return watched.requestsTo(calls.start(extended, watched));
    },
  };
}

class ObservedCall implements ResponseSink {
  private observation: CallObservation | undefined;
  private readonly caller: ResponseSink;

  constructor(observation: CallObservation, caller: ResponseSink) {
    this.observation = observation;
    this.caller = caller;
  }

  requestsTo(callee: RequestSink): RequestSink {
    return {
      message: (piece, last) => callee.message(piece, last),
      end: () => callee.end(),
      cancel: (failure) => {
        this.ended(failure);
        callee.cancel(failure);
      },
      credit: (bytes) => callee.credit(bytes),
    };
  }

  header(header: Metadata): void {
    this.caller.header(header);
  }

  message(piece: Piece): void {
    this.caller.message(piece);
  }

  end(trailer: Metadata, failure: CallFailure | undefined): void {
    this.ended(failure);
    this.caller.end(trailer, failure);
  }

  credit(bytes: number): void {
    this.caller.credit(bytes);
  }

  private ended(failure: CallFailure | undefined): void {
    const { observation } = this;
    this.observation = undefined;
    observation?.end({ failure });
  }
}
