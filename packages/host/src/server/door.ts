import type { Duplex } from "node:stream";
import { type CallFailure, type CallHead, createFailure } from "@connect-plugin/protocol";
import { type MessageCodec, protobufCodec } from "@connect-plugin/rpc";
import { type CallTarget, targetOf } from "./call-target.js";
import { type CorsOptions, createCors } from "./cors.js";
import { checkDoorLimits, type DoorLimits } from "./door-limits.js";
import type { CallsOf, Gate, MethodLookup } from "./gate.js";
import { dropBody, type HttpRequest, type HttpResponse } from "./http-exchange.js";
import { createPlainRoutes, type PlainRoute } from "./plain-route.js";
import { ConnectUnaryCall, NO_REQUEST } from "./protocol/connect-unary-call.js";
import type { DoorCall, DoorGround } from "./protocol/door-call.js";
import { type OpenedCall, openCall, type Refusal, wrongMethod } from "./protocol/opened-call.js";
import { CONNECT_JSON } from "./protocol/spelling.js";
import { HttpRequestHead } from "./request-head.js";

/** The host's HTTP side: turns requests of Connect, gRPC and gRPC-Web into calls. */
export interface Door {
  /** Answers a request of Node's `http` or `http2` (compatibility API), or of a framework that passes those on. */
  readonly handle: (request: HttpRequest, response: HttpResponse) => void;
  /** Requests that are not over. */
  readonly active: number;
  /** Refuses what comes from now on with this failure. What is in flight goes on. */
  drain(failure: CallFailure): void;
  /** Settles as soon as nothing is in flight. */
  idle(): Promise<void>;
  /** Ends every call in flight with this failure. */
  stop(failure: CallFailure): void;
  /**
   * What came on a connection of HTTP/1.1 cannot be read any further. Answers the call whose request was being read, if
   * there is one, and returns whether there was.
   */
  breakOff(socket: Duplex, failure: CallFailure, status: number): boolean;
}

export interface DoorOptions {
  /** Asked about every request but those of public routes, before its body is read. */
  readonly gate: Gate;
  readonly callsOf: CallsOf;
  /** Default: nothing is known, so calls by GET are refused. */
  readonly methodInfo?: MethodLookup | undefined;
  /** What is not a call. Default: nothing. */
  readonly routes?: readonly PlainRoute[] | undefined;
  /** Default: no web page may call. */
  readonly cors?: CorsOptions | undefined;
  readonly limits?: Partial<DoorLimits> | undefined;
  /** Default: protobuf-es. */
  readonly codec?: MessageCodec | undefined;
}

/** @throws RangeError or TypeError for an option that is wrong */
export function createDoor(options: DoorOptions): Door {
  const { gate, callsOf, methodInfo } = options;
  const limits = checkDoorLimits(options.limits);
  const routeOf = createPlainRoutes(options.routes ?? []);
  const cors = options.cors === undefined ? undefined : createCors(options.cors);
  const calls = new Set<DoorCall>();
  let plain = 0;
  let closing: CallFailure | undefined;
  let waiting: (() => void)[] = [];

  const ground: DoorGround = {
    limits,
    codec: options.codec ?? protobufCodec,
    get draining() {
      return closing !== undefined;
    },
    closed(call) {
      calls.delete(call);
      settle();
    },
  };

  function settle(): void {
    if (waiting.length === 0 || calls.size + plain > 0) return;
    const settled = waiting;
    waiting = [];
    for (const resolve of settled) resolve();
  }

  function handle(request: HttpRequest, response: HttpResponse): void {
    try {
      admit(request, response);
    } catch {
      // Something that was handed in has thrown. That is ours to answer for, and no reason to end the host.
      const call = [...calls].find((other) => other.request === request);
      if (call !== undefined) call.stop(handlerFailed());
      else if (response.headersSent) request.destroy();
      else new ConnectUnaryCall(ground, request, response, CONNECT_JSON, NO_REQUEST).refuse(handlerFailed());
    }
  }

  function admit(request: HttpRequest, response: HttpResponse): void {
    const head = new HttpRequestHead(request);
    const preflight = cors?.preflight(head);
    if (preflight !== undefined) {
      response.writeHead(204, preflight);
      response.end();
      dropBody(request);
      return;
    }
    const open = routeOf(head.path);
    if (open?.public === true) {
      handlePlain(open, head, head.path, undefined, request, response);
      return;
    }
    const opened = openCall(ground, head, request, response);
    const { call } = opened;
    calls.add(call);
    if (cors !== undefined) call.extraFields = cors.fieldsFor(head);
    if (closing !== undefined) {
      call.refuse(closing);
      return;
    }
    if (head.size > limits.headerBytes) {
      call.refuse(headerTooLarge(head.size, limits.headerBytes), 431);
      return;
    }
    const admitted = gate.admit(head);
    if (admitted.kind === "refused") {
      call.refuse(admitted.failure);
      return;
    }
    const principal = admitted.kind === "principal" ? admitted.principal : undefined;
    const path = admitted.path ?? head.path;
    const route = routeOf(path);
    if (route !== undefined) {
      calls.delete(call);
      handlePlain(route, head, path, principal, request, response);
      return;
    }
    const target = targetOf(path);
    const refusal = target === undefined ? unknownPath() : refusalOf(opened, target, methodInfo);
    if (refusal !== undefined) {
      if (refusal.allow !== undefined) call.extraFields = { ...call.extraFields, allow: refusal.allow };
      call.refuse(refusal.failure, refusal.status);
      return;
    }
    call.begin(callsOf(principal), callHead(opened, target as CallTarget, head));
  }

  function handlePlain(
    route: PlainRoute,
    head: HttpRequestHead,
    path: string,
    principal: Parameters<typeof callsOf>[0],
    request: HttpRequest,
    response: HttpResponse,
  ): void {
    plain++;
    response.on("close", () => {
      plain--;
      settle();
    });
    route.handle({ head, path, principal, request, response });
  }

  return {
    handle,
    get active() {
      return calls.size + plain;
    },
    drain(failure) {
      closing ??= failure;
    },
    idle() {
      if (calls.size + plain === 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    stop(failure) {
      for (const call of [...calls]) call.stop(failure);
    },
    breakOff(socket, failure, status) {
      // Rare, so that it need not be quick: no call is slower for it.
      const broken = [...calls].find(({ request }) => request.socket === socket && !request.complete);
      if (broken === undefined || broken.isOver) return broken !== undefined;
      broken.extraFields = { ...broken.extraFields, connection: "close" };
      broken.stop(failure, status);
      return true;
    },
  };
}

function callHead(opened: OpenedCall, target: CallTarget, head: HttpRequestHead): CallHead {
  return {
    service: target.service,
    method: target.method,
    kind: opened.spelling.protocol === "connect-unary" ? "unary" : "unknown",
    codec: opened.spelling.codec,
    acceptGzip: opened.acceptGzip,
    header: head.metadata,
    deadline: opened.deadline,
    parent: undefined,
    target: undefined,
    grant: undefined,
    id: undefined,
    chain: undefined,
  };
}

function refusalOf(
  opened: OpenedCall,
  target: CallTarget,
  methodInfo: MethodLookup | undefined,
): Refusal | undefined {
  if (opened.refusal !== undefined) return opened.refusal;
  const { protocol } = opened.spelling;
  if (!opened.byGet && protocol !== "connect-stream") return undefined;
  const info = methodInfo?.(target.service, target.method);
  if (opened.byGet && (info?.idempotency !== "no_side_effects" || info.kind !== "unary")) {
    return wrongMethod("GET");
  }
  if (protocol === "connect-stream" && info?.kind === "unary") {
    const { service, method } = target;
    const failure = createFailure(
      "KIND_MISMATCH",
      `${service}/${method} is unary: Connect calls it with application/proto or application/json.`,
      { facts: { service, method, kind: info.kind } },
    );
    return { failure, status: undefined };
  }
  return undefined;
}

function handlerFailed(): CallFailure {
  return createFailure("HANDLER_FAILED", "The request could not be handled.", { fault: "host" });
}

function unknownPath(): Refusal {
  // The path itself may hold a secret: it is not shown.
  const failure = createFailure(
    "UNKNOWN_METHOD",
    "Nothing is served at this path. Methods are called at /package.Service/Method.",
  );
  return { failure, status: 404 };
}

function headerTooLarge(size: number, limit: number): CallFailure {
  return createFailure(
    "METADATA_TOO_LARGE",
    `A request's header may have ${limit} bytes; this one has ${size}. Send data of that size in a message.`,
    { facts: { limit: String(limit), size: String(size) } },
  );
}
