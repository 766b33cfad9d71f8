import type {
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Caller, CallFailure } from "@connect-plugin/protocol";
import type { HandlerContext } from "@connectrpc/connect";

/**
 * What a handler is told about its call. A superset of connect-es's `HandlerContext`, so an existing `ServiceImpl`
 * runs unchanged.
 */
export interface CallContext extends HandlerContext {
  /** The host's id of this call; 0 where no host gave it one. */
  readonly id: number;
  /** Who calls, as the host proved it. */
  readonly caller: Caller;
  /** For whom `caller` makes this call, nearest first. */
  readonly onBehalfOf: readonly Caller[];
  /** On this process's `performance.now()` clock, in ms; `Infinity` for none. */
  readonly deadline: number;
  /** Aborted when the provider is about to stop: end long streams of your own accord, soon. */
  readonly draining: AbortSignal;
}

/** A call in whose course others are made: they inherit its deadline and its cancellation. */
export interface ParentCall {
  /** As in {@link CallContext}: 0 where no host gave it one, and then it is not named to anyone. */
  readonly id: number;
  readonly deadline: number;
  /** A call whose handler is done is nobody's parent any more. */
  readonly finished: boolean;
  /** Calls the listener at once if it is cancelled already. Returns what takes the listener away again. */
  onCancel(listener: (failure: CallFailure) => void): () => void;
}

/** A call being handled: what its handler sees, and the parent of calls that the handler makes. */
export interface DeliveredCall extends CallContext, ParentCall {}

/** What implements a method. */
export type MethodImplementation<M extends DescMethod> =
  M extends DescMethodUnary<infer I, infer O>
    ? (request: MessageShape<I>, call: CallContext) => Promise<MessageInitShape<O>> | MessageInitShape<O>
    : M extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageShape<I>, call: CallContext) => AsyncIterable<MessageInitShape<O>>
      : M extends DescMethodClientStreaming<infer I, infer O>
        ? (requests: AsyncIterable<MessageShape<I>>, call: CallContext) => Promise<MessageInitShape<O>>
        : M extends DescMethodBiDiStreaming<infer I, infer O>
          ? (
              requests: AsyncIterable<MessageShape<I>>,
              call: CallContext,
            ) => AsyncIterable<MessageInitShape<O>>
          : never;

/** What implements a service: one function for each method, by its name in TypeScript. */
export type Implementation<S extends DescService> = {
  [K in keyof S["method"]]: MethodImplementation<S["method"][K]>;
};
