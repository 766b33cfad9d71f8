import type { Duplex } from "node:stream";
import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import { toErrorJson } from "./protocol/error-json.js";
import { invalidRequest } from "./protocol/request-failures.js";

/** Answers the call that was being read when its connection broke, if there is one, and returns whether there was. */
type BreakOff = (socket: Duplex, failure: CallFailure, status: number) => boolean;

/**
 * Answers what Node could not read as a request of HTTP/1.1. Its protocol is unknown, so the answer is Connect's, and
 * the connection ends: nobody knows where a next request would begin.
 */
export function answerBrokenRequest(error: Error, socket: Duplex, breakOff: BreakOff): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const code = "code" in error ? error.code : undefined;
  const [status, phrase, failure] = judge(code);
  if (breakOff(socket, failure, status)) return;
  const body = JSON.stringify(toErrorJson(failure));
  socket.end(
    `HTTP/1.1 ${status} ${phrase}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `connection: close\r\n\r\n${body}`,
  );
  // What the other side still sends is not read, so it must not keep the socket.
  socket.once("finish", () => socket.destroy());
}

function judge(code: unknown): readonly [status: number, phrase: string, failure: CallFailure] {
  if (code === "HPE_HEADER_OVERFLOW") {
    const message = "The header or trailer of the request is too large. Send data of that size in a message.";
    return [431, "Request Header Fields Too Large", createFailure("METADATA_TOO_LARGE", message)];
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    const message = "The header of the request did not come in its time.";
    return [408, "Request Timeout", createFailure("DEADLINE_EXCEEDED", message)];
  }
  return [400, "Bad Request", invalidRequest("This cannot be read as HTTP/1.1.")];
}
