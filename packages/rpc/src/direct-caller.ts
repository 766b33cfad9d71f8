import type { Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type ServiceCallOptions, setUpCall } from "./call-setup.js";
import type { Requests } from "./client-call.js";
import type { ClientMethod } from "./client-method.js";
import { MessageQueue } from "./message-queue.js";
import { toHeaders } from "./metadata.js";
import { hasManyRequests, hasManyResponses } from "./method-kind.js";
import { SingleResponseCall, type TakeResponse } from "./single-response-call.js";
import { StreamResponseCall } from "./stream-response-call.js";

/**
 * A function of a client, whatever its kind: takes what a message can be made of, or an async iterable of it, and gives
 * a promise of a message or an async iterable of messages.
 */
export type MethodCaller = (input: unknown, options?: ServiceCallOptions) => unknown;

/** Calls a method with nothing in between. */
export function createDirectCaller(method: ClientMethod): MethodCaller {
  const manyIn = hasManyRequests(method.desc);

  function requestsOf(input: unknown): Requests {
    if (manyIn) return { many: true, source: input as AsyncIterable<unknown> };
    return { many: false, message: method.codec.create(method.desc.input, input) };
  }

  function callForOne(input: unknown, options: ServiceCallOptions | undefined): Promise<Message> {
    return new Promise((resolve, reject) => {
      try {
        const take = takeResponse(resolve, reject, options);
        new SingleResponseCall(method, setUpCall(method, options), take, reject).start(requestsOf(input));
      } catch (error) {
        reject(misused(error));
      }
    });
  }

  function callForMany(input: unknown, options: ServiceCallOptions | undefined): AsyncIterable<Message> {
    try {
      const call = new StreamResponseCall(method, setUpCall(method, options), options);
      call.start(requestsOf(input));
      return call.messages;
    } catch (error) {
      return failedMessages(misused(error));
    }
  }

  return hasManyResponses(method.desc) ? callForMany : callForOne;
}

function takeResponse(
  resolve: (message: Message) => void,
  reject: (error: unknown) => void,
  options: ServiceCallOptions | undefined,
): TakeResponse {
  if (options?.onHeader === undefined && options?.onTrailer === undefined) return resolve;
  return (message, header, trailer) => {
    try {
      options.onHeader?.(toHeaders(header));
      options.onTrailer?.(toHeaders(trailer));
    } catch (error) {
      reject(ConnectError.from(error));
      return;
    }
    resolve(message);
  };
}

/** What the caller gave cannot be sent. */
function misused(error: unknown): ConnectError {
  return ConnectError.from(error, Code.InvalidArgument);
}

/** A stream of a call that did not begin. */
export function failedMessages(error: ConnectError): AsyncIterable<Message> {
  const queue = new MessageQueue<Message>({ taken: ignore, left: ignore });
  queue.fail(error);
  return queue.messages;
}

function ignore(): void {}
