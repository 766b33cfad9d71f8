import type { DescMethodStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import type { StreamResponse, UnaryResponse } from "@connectrpc/connect";
import type { CallSetup } from "./call-setup.js";
import type { ClientMethod } from "./client-method.js";
import { addToHeaders, toHeaders } from "./metadata.js";
import { SingleResponseCall } from "./single-response-call.js";
import { StreamResponseCall } from "./stream-response-call.js";

// Calls with responses in the form that connect-es's transports and interceptors know.

export function invokeUnary(
  method: ClientMethod,
  setup: CallSetup,
  message: Message,
): Promise<UnaryResponse> {
  const desc = method.desc as DescMethodUnary;
  return new Promise((resolve, reject) => {
    const call = new SingleResponseCall(
      method,
      setup,
      (response, header, trailer) =>
        resolve({
          stream: false,
          service: desc.parent,
          method: desc,
          header: toHeaders(header),
          trailer: toHeaders(trailer),
          message: response,
        }),
      reject,
    );
    call.start({ many: false, message });
  });
}

/** Settles as soon as the header is known. The trailer is filled at the end. */
export function invokeStream(
  method: ClientMethod,
  setup: CallSetup,
  source: AsyncIterable<unknown>,
): Promise<StreamResponse> {
  const desc = method.desc as DescMethodStreaming;
  return new Promise((resolve, reject) => {
    const trailer = new Headers();
    const call = new StreamResponseCall(method, setup, {
      onHeader: (header) =>
        resolve({
          stream: true,
          service: desc.parent,
          method: desc,
          header,
          trailer,
          message: call.messages,
        }),
      onTrailer: (fields) => addToHeaders(trailer, [...fields]),
      onFailure: reject,
    });
    call.start({ many: true, source });
  });
}
