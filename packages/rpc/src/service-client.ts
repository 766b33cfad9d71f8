import type { CallHandler, Metadata } from "@connect-plugin/protocol";
import type {
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallOptions, Interceptor } from "@connectrpc/connect";
import type { ParentCall } from "./call-context.js";
import type { MessageCodec } from "./message-codec.js";

/** connect-es's `CallOptions` and ours. */
export interface ServiceCallOptions extends CallOptions {
  /** The call does not belong to the call that is being handled: neither its deadline nor its cancellation count. */
  readonly detached?: boolean;
}

/** connect-es's `Client<S>`, whose methods also take our options. */
export type ServiceClient<S extends DescService> = {
  [K in keyof S["method"]]: S["method"][K] extends DescMethodUnary<infer I, infer O>
    ? (request: MessageInitShape<I>, options?: ServiceCallOptions) => Promise<MessageShape<O>>
    : S["method"][K] extends DescMethodServerStreaming<infer I, infer O>
      ? (request: MessageInitShape<I>, options?: ServiceCallOptions) => AsyncIterable<MessageShape<O>>
      : S["method"][K] extends DescMethodClientStreaming<infer I, infer O>
        ? (
            requests: AsyncIterable<MessageInitShape<I>>,
            options?: ServiceCallOptions,
          ) => Promise<MessageShape<O>>
        : S["method"][K] extends DescMethodBiDiStreaming<infer I, infer O>
          ? (
              requests: AsyncIterable<MessageInitShape<I>>,
              options?: ServiceCallOptions,
            ) => AsyncIterable<MessageShape<O>>
          : never;
};

export interface ServiceClientOptions {
  /** Deadline of calls that name none, in ms; 0 for none. Default: 30,000 for unary calls, none for streams. */
  readonly defaultTimeoutMs?: number;
  /** connect-es interceptors, outermost first. */
  readonly interceptors?: readonly Interceptor[];
  readonly codec?: MessageCodec;
  /** The plugin that is to answer, where it matters. */
  readonly target?: string;
  /** Id of the grant under which calls are made, asked for at each call. */
  readonly grant?: () => string | undefined | Promise<string | undefined>;
  /** The call that is being handled right now, if any. */
  readonly parent?: () => ParentCall | undefined;
  /** Added to the header of every call. */
  readonly header?: Metadata;
  /** As for `ServiceEndOptions`. */
  readonly inflate?: (bytes: Uint8Array, limit: number) => Uint8Array;
  /** Of a response message, in bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Whether unencoded messages of a provider in this process are given to the caller as they are. Default false. */
  readonly share?: boolean;
}

export function createServiceClient<S extends DescService>(
  _desc: S,
  _calls: CallHandler,
  _options: ServiceClientOptions = {},
): ServiceClient<S> {
  throw new Error("being written");
}
