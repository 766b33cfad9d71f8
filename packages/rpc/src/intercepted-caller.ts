import type { DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { StreamRequest, StreamResponse, UnaryRequest, UnaryResponse } from "@connectrpc/connect";
import { ConnectError, createContextValues, type Interceptor } from "@connectrpc/connect";
import { CallScope } from "./call-scope.js";
import { type CallSetup, type ServiceCallOptions, setUpCall } from "./call-setup.js";
import type { ClientMethod } from "./client-method.js";
import { failedMessages, type MethodCaller } from "./direct-caller.js";
import { applyInterceptors, type Invoke } from "./interceptor-chain.js";
import { invokeStream, invokeUnary } from "./invoke-method.js";
import { toHeaders, toMetadata } from "./metadata.js";
import { hasManyRequests, hasManyResponses, isUnary } from "./method-kind.js";
import { callUrl } from "./service-context.js";
import { onlyMessage, singleMessage } from "./single-message.js";

/** Calls a method through interceptors. As in connect-es, all kinds but unary are streams both ways to them. */
export function createInterceptedCaller(
  method: ClientMethod,
  interceptors: readonly Interceptor[],
): MethodCaller {
  const { desc } = method;
  if (isUnary(desc)) {
    return async (input, options) => {
      const response = await callUnary(method, interceptors, input, options);
      options?.onHeader?.(response.header);
      options?.onTrailer?.(response.trailer);
      return response.message;
    };
  }
  const sourceOf = (input: unknown): AsyncIterable<unknown> =>
    hasManyRequests(desc) ? (input as AsyncIterable<unknown>) : singleMessage(input);
  if (hasManyResponses(desc)) {
    return (input, options) => callStream(method, interceptors, sourceOf(input), options).messages;
  }
  return (input, options) => onlyMessage(callStream(method, interceptors, sourceOf(input), options).messages);
}

export async function callUnary(
  method: ClientMethod,
  interceptors: readonly Interceptor[],
  input: unknown,
  options: ServiceCallOptions | undefined,
): Promise<UnaryResponse> {
  const setup = setUpCall(method, options);
  const message = method.codec.create(method.desc.input, input);
  if (interceptors.length === 0) return await invokeUnary(method, setup, message);
  const scope = new CallScope(method, setup);
  try {
    const invoke = applyInterceptors(interceptors, innermost(method, setup));
    const desc = method.desc as DescMethodUnary;
    const request: UnaryRequest = {
      stream: false,
      method: desc,
      message,
      ...requestParts(method, setup, scope, options),
    };
    return (await invoke(request)) as UnaryResponse;
  } catch (error) {
    throw ConnectError.from(error);
  } finally {
    scope.finish();
  }
}

export interface StreamedCall {
  readonly response: Promise<StreamResponse>;
  /** The messages of the response, from before it has come. */
  readonly messages: AsyncIterable<Message>;
}

/** Begins at once; what is wrong is told by both. */
export function callStream(
  method: ClientMethod,
  interceptors: readonly Interceptor[],
  source: AsyncIterable<unknown>,
  options: ServiceCallOptions | undefined,
): StreamedCall {
  let setup: CallSetup;
  try {
    setup = setUpCall(method, options);
  } catch (error) {
    const failure = ConnectError.from(error);
    const response = Promise.reject(failure);
    // It is told twice; nobody need hear both.
    response.catch(ignore);
    return { response, messages: failedMessages(failure) };
  }
  const scope = new CallScope(method, setup);
  const response = invokeChain();
  return { response, messages: messagesOf(response, scope, options) };

  async function invokeChain(): Promise<StreamResponse> {
    try {
      const invoke = applyInterceptors(interceptors, innermost(method, setup));
      const request: StreamRequest = {
        stream: true,
        method: method.desc as DescMethodStreaming,
        message: toMessages(method, source),
        ...requestParts(method, setup, scope, options),
      };
      return (await invoke(request)) as StreamResponse;
    } catch (error) {
      scope.finish();
      throw ConnectError.from(error);
    }
  }
}

/** The call itself. */
function innermost(method: ClientMethod, setup: CallSetup): Invoke {
  return (request) => {
    const inner: CallSetup = {
      ...setup,
      header: toMetadata(request.header, "caller"),
      signal: request.signal,
    };
    return request.stream
      ? invokeStream(method, inner, request.message)
      : invokeUnary(method, inner, request.message);
  };
}

function requestParts(
  method: ClientMethod,
  setup: CallSetup,
  scope: CallScope,
  options: ServiceCallOptions | undefined,
) {
  return {
    service: method.desc.parent,
    requestMethod: "POST",
    url: callUrl(method.desc),
    signal: scope.signal,
    header: toHeaders(setup.header),
    contextValues: options?.contextValues ?? createContextValues(),
  };
}

/** Interceptors see messages, whatever the caller wrote. */
async function* toMessages(method: ClientMethod, source: AsyncIterable<unknown>): AsyncGenerator<Message> {
  for await (const init of source) yield method.codec.create(method.desc.input, init);
}

/** Not a generator: one that has not begun does not hear that it is left. */
function messagesOf(
  response: Promise<StreamResponse>,
  scope: CallScope,
  options: ServiceCallOptions | undefined,
): AsyncIterableIterator<Message> {
  const iterator = response.then(({ header, message }) => {
    options?.onHeader?.(header);
    return message[Symbol.asyncIterator]();
  });
  // Whoever does not iterate does not want to know.
  iterator.catch(ignore);

  async function next(): Promise<IteratorResult<Message>> {
    try {
      const result = await (await iterator).next();
      if (result.done !== true) return result;
      options?.onTrailer?.((await response).trailer);
      scope.finish();
      return result;
    } catch (error) {
      scope.finish();
      throw ConnectError.from(error);
    }
  }

  return {
    next,
    async return() {
      scope.leave();
      await iterator.then((started) => started.return?.()).catch(ignore);
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function ignore(): void {}
