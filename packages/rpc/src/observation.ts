import type { CallFailure, CallHead, Metadata } from "@connect-plugin/protocol";

/** Watches a call from its start to its end. Returns nothing for calls that it does not care about. */
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
