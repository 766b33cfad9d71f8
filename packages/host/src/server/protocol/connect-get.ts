import type { CallFailure } from "@connect-plugin/protocol";
import type { UnaryRequest } from "./connect-unary-call.js";
import { compressionOf } from "./encoding.js";
import { invalidRequest, requestTooLarge } from "./request-failures.js";
import { CONNECT_JSON, CONNECT_PROTO, type Spelling } from "./spelling.js";

/** A call of Connect unary whose message is in the query. */
export interface ConnectGet {
  readonly spelling: Spelling;
  readonly unary: UnaryRequest;
  readonly problem: CallFailure | undefined;
}

export function readConnectGet(query: string, acceptGzip: boolean, limit: number): ConnectGet {
  const parameters = new URLSearchParams(query);
  const encoding = parameters.get("encoding");
  const compression = compressionOf("compression", parameters.get("compression") ?? undefined);
  const message = readMessage(parameters);
  const version = parameters.get("connect");
  return {
    spelling: encoding === "proto" ? CONNECT_PROTO : CONNECT_JSON,
    unary: { gzip: compression === "gzip", length: undefined, message, acceptGzip },
    problem: findProblem(),
  };

  function findProblem(): CallFailure | undefined {
    if (version !== null && version !== "v1") return invalidRequest('connect: wanted "v1", the only version');
    if (encoding !== "proto" && encoding !== "json") {
      return invalidRequest('encoding: wanted "proto" or "json" in the query of a call by GET');
    }
    if (typeof compression === "object") return compression;
    if (message === undefined) return invalidRequest("message: wanted it in the query of a call by GET");
    return message.byteLength > limit ? requestTooLarge(limit, message.byteLength) : undefined;
  }
}

const BASE64 = /^[A-Za-z0-9_\-+/]*={0,2}$/;

function readMessage(parameters: URLSearchParams): Uint8Array | undefined {
  const text = parameters.get("message");
  if (text === null) return undefined;
  if (parameters.get("base64") !== "1") return Buffer.from(text, "utf8");
  // A `+` that was not escaped reads as a space.
  const base64 = text.replaceAll(" ", "+");
  return BASE64.test(base64) ? Buffer.from(base64, "base64url") : undefined;
}
