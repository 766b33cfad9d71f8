import type { DescMethod } from "@bufbuild/protobuf";
import type { CallHandler } from "@connect-plugin/protocol";
import type { Transport } from "@connectrpc/connect";
import type { ServiceCallOptions } from "./call-setup.js";
import { type ClientMethod, createMethodPreparer } from "./client-method.js";
import { callStream, callUnary } from "./intercepted-caller.js";
import type { ServiceClientOptions } from "./service-client.js";

/**
 * connect-es's `Transport` over a connection, for code that wants one. With connect-es's own client, leaving a
 * `for await` early does not end the call; with `createServiceClient` it does.
 */
export function createConnectionTransport(calls: CallHandler, options: ServiceClientOptions = {}): Transport {
  const prepare = createMethodPreparer(calls, options);
  const { interceptors = [] } = options;
  const prepared = new WeakMap<DescMethod, ClientMethod>();

  function prepareOnce(desc: DescMethod): ClientMethod {
    const known = prepared.get(desc);
    if (known !== undefined) return known;
    const method = prepare(desc);
    prepared.set(desc, method);
    return method;
  }

  // Those of connect-es are generic in the types of messages, which only the descriptors know.
  const transport = {
    unary: (
      desc: DescMethod,
      signal: ServiceCallOptions["signal"],
      timeoutMs: number | undefined,
      headers: ServiceCallOptions["headers"],
      input: unknown,
      contextValues: ServiceCallOptions["contextValues"],
    ) =>
      callUnary(prepareOnce(desc), interceptors, input, given({ signal, timeoutMs, headers, contextValues })),
    stream: (
      desc: DescMethod,
      signal: ServiceCallOptions["signal"],
      timeoutMs: number | undefined,
      headers: ServiceCallOptions["headers"],
      input: AsyncIterable<unknown>,
      contextValues: ServiceCallOptions["contextValues"],
    ) =>
      callStream(prepareOnce(desc), interceptors, input, given({ signal, timeoutMs, headers, contextValues }))
        .response,
  };
  return transport as unknown as Transport;
}

/** Without what is undefined. */
function given(
  options: { [K in keyof ServiceCallOptions]: ServiceCallOptions[K] | undefined },
): ServiceCallOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
