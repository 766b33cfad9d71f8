import { type CallFailure, createFailure, quoted } from "@connect-plugin/protocol";
import type { HttpRequest, HttpResponse } from "../http-exchange.js";
import type { HttpRequestHead } from "../request-head.js";
import { readConnectGet } from "./connect-get.js";
import { ConnectUnaryCall, NO_REQUEST, type UnaryRequest } from "./connect-unary-call.js";
import type { DoorCall, DoorGround } from "./door-call.js";
import { acceptsGzip, type Compression, compressionOf } from "./encoding.js";
import { EnvelopeCall } from "./envelope-call.js";
import { invalidRequest, requestTooLarge } from "./request-failures.js";
import { CONNECT_JSON, type Spelling, spellingOf } from "./spelling.js";
import { connectDeadline, type Deadline, grpcDeadline } from "./timeout.js";

/** Why a request cannot become a call, as its protocol says it. */
export interface Refusal {
  readonly failure: CallFailure;
  /** Of HTTP, where it is not that of the failure's code. */
  readonly status: number | undefined;
  readonly allow?: string;
}

/** A request as its protocol reads it. Even what is wrong with it can be answered in that protocol. */
export interface OpenedCall {
  readonly call: DoorCall;
  readonly spelling: Spelling;
  readonly acceptGzip: boolean;
  readonly deadline: number;
  /** Whether it came by GET, which is for methods without side effects. */
  readonly byGet: boolean;
  readonly refusal: Refusal | undefined;
}

export function openCall(
  ground: DoorGround,
  head: HttpRequestHead,
  request: HttpRequest,
  response: HttpResponse,
): OpenedCall {
  if (head.method === "GET") return openGet(ground, head, request, response);
  const contentType = head.protocolField("content-type");
  const spelling = contentType === undefined ? undefined : spellingOf(contentType);
  if (spelling === undefined || head.method !== "POST") {
    const refusal = head.method === "POST" ? unknownContentType(contentType) : wrongMethod(head.method);
    const speaks = spelling ?? CONNECT_JSON;
    const call =
      speaks.protocol === "connect-unary"
        ? new ConnectUnaryCall(ground, request, response, speaks, NO_REQUEST)
        : new EnvelopeCall(ground, request, response, speaks, NO_REQUEST);
    return { call, spelling: speaks, acceptGzip: false, deadline: Infinity, byGet: false, refusal };
  }
  switch (spelling.protocol) {
    case "connect-unary":
      return openUnary(ground, head, request, response, spelling);
    case "connect-stream":
      return openEnvelopes(ground, head, request, response, spelling, "connect-content-encoding");
    case "grpc":
    case "grpc-web":
      return openEnvelopes(ground, head, request, response, spelling, "grpc-encoding");
  }
}

function openUnary(
  ground: DoorGround,
  head: HttpRequestHead,
  request: HttpRequest,
  response: HttpResponse,
  spelling: Spelling,
): OpenedCall {
  const compression = compressionOf("content-encoding", head.protocolField("content-encoding"));
  const acceptGzip = acceptsGzip(head.protocolField("accept-encoding"));
  const length = lengthOf(head.protocolField("content-length"));
  const unary: UnaryRequest = { gzip: compression === "gzip", length, message: undefined, acceptGzip };
  const call = new ConnectUnaryCall(ground, request, response, spelling, unary);
  const deadline = connectDeadline(head.protocolField("connect-timeout-ms"));
  const { messageBytes } = ground.limits;
  const tooLarge =
    length !== undefined && length > messageBytes ? requestTooLarge(messageBytes, length) : undefined;
  return opened(call, spelling, acceptGzip, deadline, [versionProblem(head), compression, tooLarge]);
}

function openEnvelopes(
  ground: DoorGround,
  head: HttpRequestHead,
  request: HttpRequest,
  response: HttpResponse,
  spelling: Spelling,
  field: "connect-content-encoding" | "grpc-encoding",
): OpenedCall {
  const isConnect = spelling.protocol === "connect-stream";
  const compression = compressionOf(field, head.protocolField(field));
  const acceptGzip = acceptsGzip(
    head.protocolField(isConnect ? "connect-accept-encoding" : "grpc-accept-encoding"),
  );
  const call = new EnvelopeCall(ground, request, response, spelling, {
    gzip: compression === "gzip",
    acceptGzip,
  });
  const deadline = isConnect
    ? connectDeadline(head.protocolField("connect-timeout-ms"))
    : grpcDeadline(head.protocolField("grpc-timeout"));
  const version = isConnect ? versionProblem(head) : undefined;
  const result = opened(call, spelling, acceptGzip, deadline, [version, compression]);
  if (spelling.protocol !== "grpc" || head.httpVersion === 2) return result;
  return { ...result, refusal: { failure: needsHttp2(), status: 505 } };
}

function openGet(
  ground: DoorGround,
  head: HttpRequestHead,
  request: HttpRequest,
  response: HttpResponse,
): OpenedCall {
  const acceptGzip = acceptsGzip(head.protocolField("accept-encoding"));
  const get = readConnectGet(head.query, acceptGzip, ground.limits.messageBytes);
  const call = new ConnectUnaryCall(ground, request, response, get.spelling, get.unary);
  const deadline = connectDeadline(head.protocolField("connect-timeout-ms"));
  const body = head.announcesBody
    ? invalidRequest("A call by GET has its message in the query, and no body; this one has a body.")
    : undefined;
  return { ...opened(call, get.spelling, acceptGzip, deadline, [body, get.problem]), byGet: true };
}

function opened(
  call: DoorCall,
  spelling: Spelling,
  acceptGzip: boolean,
  deadline: Deadline,
  problems: readonly (Compression | CallFailure | undefined)[],
): OpenedCall {
  const found = [deadline, ...problems].find(
    (problem): problem is CallFailure => typeof problem === "object",
  );
  return {
    call,
    spelling,
    acceptGzip,
    deadline: typeof deadline === "number" ? deadline : Infinity,
    byGet: false,
    refusal: found === undefined ? undefined : { failure: found, status: undefined },
  };
}

function versionProblem(head: HttpRequestHead): CallFailure | undefined {
  const version = head.protocolField("connect-protocol-version");
  if (version === undefined || version === "1") return undefined;
  return invalidRequest(`connect-protocol-version: wanted 1, the only version, got ${quoted(version)}`);
}

function lengthOf(value: string | undefined): number | undefined {
  return value === undefined || !/^\d+$/.test(value) ? undefined : Number(value);
}

function unknownContentType(found: string | undefined): Refusal {
  return {
    failure: createFailure(
      "PROTOCOL_UNSUPPORTED",
      "Wanted the content type of Connect (application/json, application/proto, application/connect+json or +proto), " +
        "gRPC (application/grpc) or gRPC-Web (application/grpc-web), " +
        (found === undefined ? "but there is none." : `but it is ${quoted(found)}.`),
      { facts: { field: "content-type" } },
    ),
    status: 415,
  };
}

/** @param found the HTTP method */
export function wrongMethod(found: string, allow = "POST"): Refusal {
  const failure = createFailure(
    "PROTOCOL_UNSUPPORTED",
    `Calls are made by ${allow}, not by ${quoted(found)}.`,
    {
      facts: { allow },
    },
  );
  return { failure, status: 405, allow };
}

function needsHttp2(): CallFailure {
  return createFailure(
    "PROTOCOL_UNSUPPORTED",
    "gRPC needs HTTP/2, but this came over HTTP/1.1. Use HTTP/2 (h2c, without TLS), or Connect or gRPC-Web.",
  );
}
