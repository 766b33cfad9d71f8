import type { CallFailure, CallHandler, CallHead } from "@connect-plugin/protocol";
import type { DescService } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import type { CallContext, DeliveredCall } from "./call-context.js";
import type { MessageCodec } from "./message-codec.js";

/** A service and what implements it. */
export interface ServedService {
  readonly desc: DescService;
  /** An `Implementation` of the service, or a connect-es `ServiceImpl`. */
  readonly implementation: object;
}

export interface ServiceEndOptions {
  readonly services?: readonly ServedService[];
  /** What handlers see as `call.draining`. Default: never aborted. */
  readonly draining?: AbortSignal;
  /** Asked before anything else is done for a call. */
  readonly refuse?: (head: CallHead) => CallFailure | undefined;
  /** Runs a handler, in an `AsyncLocalStorage` for example. Default: calls it. */
  readonly run?: <T>(call: DeliveredCall, task: () => T) => T;
  /** connect-es interceptors, outermost first. */
  readonly interceptors?: readonly Interceptor[];
  readonly codec?: MessageCodec;
  /**
   * Inflates gzip, giving no more than `limit` bytes: beyond, it throws a `RangeError`. Default: compressed messages
   * are refused.
   */
  readonly inflate?: (bytes: Uint8Array, limit: number) => Uint8Array;
  /** Of a request message, in bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Whether handlers are given unencoded messages of callers in this process as they are, not a copy. Default false. */
  readonly share?: boolean;
  /** Told of what handlers threw that is no `ConnectError`: callers are not told its text. Must not throw. */
  readonly onUnexpectedError?: (error: unknown, call: CallContext) => void;
}

/** The services of one side of a connection: answers calls. */
export interface ServiceEnd extends CallHandler {
  /** Calls whose handlers are not done, cancelled ones included. */
  readonly active: number;
  /** Settles as soon as no call is active. */
  idle(): Promise<void>;
  /** Ends all calls with this failure. Their handlers are told by their signal. */
  cancelAll(failure: CallFailure): void;
  /** Opens more services. Throws a `TypeError` if one is open already or a method is not implemented. */
  add(services: readonly ServedService[]): void;
}

export function createServiceEnd(_options: ServiceEndOptions): ServiceEnd {
  throw new Error("being written");
}
