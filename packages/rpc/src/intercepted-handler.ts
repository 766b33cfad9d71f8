import type { DescMethod, DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import type { Interceptor, StreamResponse, UnaryResponse } from "@connectrpc/connect";
import { applyInterceptors, type Invoke } from "./interceptor-chain.js";
import { isUnary } from "./method-kind.js";
import type { ServiceContext } from "./service-context.js";
import type { Handler } from "./service-method.js";
import { onlyMessage, singleMessage } from "./single-message.js";

/**
 * A handler with interceptors around it. As in connect-es, unary calls are intercepted with one message each way, and
 * all other kinds as streams both ways.
 */
export function interceptHandler(
  method: DescMethod,
  handler: Handler,
  interceptors: readonly Interceptor[],
): Handler {
  return isUnary(method)
    ? interceptUnary(method, handler, interceptors)
    : interceptStream(method as DescMethodStreaming, handler, interceptors);
}

function interceptUnary(
  method: DescMethodUnary,
  handler: Handler,
  interceptors: readonly Interceptor[],
): Handler {
  return async (message, call) => {
    const innermost: Invoke = async (request) => {
      call.replaceRequest(request.header, request.contextValues);
      const output = toMessage(method.output, await handler(request.message, call));
      return { stream: false, message: output, ...responseParts(method, call) } as UnaryResponse;
    };
    const invoke = applyInterceptors(interceptors, innermost);
    const response = await invoke({
      stream: false,
      method,
      message: message as Message,
      ...requestParts(method, call),
    });
    copyFields(response.header, call.responseHeader);
    copyFields(response.trailer, call.responseTrailer);
    return response.message;
  };
}

function interceptStream(
  method: DescMethodStreaming,
  handler: Handler,
  interceptors: readonly Interceptor[],
): Handler {
  const manyIn = method.methodKind !== "server_streaming";
  const manyOut = method.methodKind !== "client_streaming";

  async function* respond(input: unknown, call: ServiceContext): AsyncGenerator<unknown> {
    const innermost: Invoke = async (request) => {
      call.replaceRequest(request.header, request.contextValues);
      const messages = request.message as AsyncIterable<Message>;
      const output = handler(manyIn ? messages : await onlyMessage(messages), call);
      const outputs = manyOut ? (output as AsyncIterable<unknown>) : singleMessage(await output);
      return {
        stream: true,
        message: toMessages(method.output, outputs),
        ...responseParts(method, call),
      } as StreamResponse;
    };
    const invoke = applyInterceptors(interceptors, innermost);
    const response = await invoke({
      stream: true,
      method,
      message: (manyIn ? input : singleMessage(input)) as AsyncIterable<Message>,
      ...requestParts(method, call),
    });
    copyFields(response.header, call.responseHeader);
    yield* response.message as AsyncIterable<unknown>;
    copyFields(response.trailer, call.responseTrailer);
  }

  return manyOut ? respond : async (input, call) => await onlyMessage(respond(input, call));
}

function requestParts(method: DescMethod, call: ServiceContext) {
  return {
    service: method.parent,
    requestMethod: call.requestMethod,
    url: call.url,
    signal: call.signal,
    header: call.requestHeader,
    contextValues: call.values,
  };
}

function responseParts(method: DescMethod, call: ServiceContext) {
  return { service: method.parent, method, header: call.responseHeader, trailer: call.responseTrailer };
}

async function* toMessages(desc: DescMessage, inits: AsyncIterable<unknown>): AsyncGenerator<Message> {
  for await (const init of inits) yield toMessage(desc, init);
}

/** Interceptors see messages, whatever the handler wrote. */
function toMessage(desc: DescMessage, init: unknown): Message {
  return create(desc, init as MessageInitShape<DescMessage>);
}

/** Interceptors mostly change the headers they are given, but may answer with others. */
function copyFields(from: Headers, to: Headers): void {
  if (from === to) return;
  for (const [name, value] of from) to.set(name, value);
}
