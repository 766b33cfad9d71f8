import type {
  DescMethodBiDiStreaming,
  DescMethodClientStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  DescService,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import type { CallHandler } from "@connect-plugin/protocol";
import type { Interceptor } from "@connectrpc/connect";
import type { ServiceCallOptions } from "./call-setup.js";
import { type CallerOptions, createMethodPreparer } from "./client-method.js";
import { createDirectCaller } from "./direct-caller.js";
import { createInterceptedCaller } from "./intercepted-caller.js";

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

export interface ServiceClientOptions extends CallerOptions {
  /** connect-es interceptors, outermost first. Default: none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
}

/**
 * A client of a service, with one function for each method.
 *
 * A call begins when its function is called. Leaving a `for await` over responses ends the call at once, and so does
 * `options.signal`. Errors are `ConnectError`s.
 */
export function createServiceClient<S extends DescService>(
  desc: S,
  calls: CallHandler,
  options: ServiceClientOptions = {},
): ServiceClient<S> {
  const prepare = createMethodPreparer(calls, options);
  const { interceptors = [] } = options;
  const client: Record<string, unknown> = {};
  for (const method of desc.methods) {
    const prepared = prepare(method);
    const caller =
      interceptors.length === 0
        ? createDirectCaller(prepared)
        : createInterceptedCaller(prepared, interceptors);
    client[method.localName] = caller;
  }
  return client as ServiceClient<S>;
}
