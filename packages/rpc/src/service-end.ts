import type { DescService } from "@bufbuild/protobuf";
import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  createFailure,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import type { Interceptor } from "@connectrpc/connect";
import type { CallContext, DeliveredCall } from "./call-context.js";
import { compiledCodec } from "./compiled-codec.js";
import type { MessageCodec } from "./message-codec.js";
import { checkMaxMessageBytes, type Inflate, type ReadingOptions } from "./message-reader.js";
import { checkMetadata, NO_METADATA } from "./metadata.js";
import { ServiceCall, type ServiceCallHost } from "./service-call.js";
import { createServiceMethods, type ServiceMethod } from "./service-method.js";
import { ignoredRequests } from "./service-switch.js";
import { deadlines } from "./timer-wheel.js";

/** A service and what implements it. */
export interface ServedService {
  readonly desc: DescService;
  /** An `Implementation` of the service, or a connect-es `ServiceImpl`. */
  readonly implementation: object;
}

export interface ServiceEndOptions {
  /** Default: none, until some are added. */
  readonly services?: readonly ServedService[];
  /** What handlers see as `call.draining`. Default: never aborted. */
  readonly draining?: AbortSignal | undefined;
  /** Asked before anything else is done for a call. Must not throw. Default: nothing is refused. */
  readonly refuse?: ((head: CallHead) => CallFailure | undefined) | undefined;
  /**
   * Runs a handler, in an `AsyncLocalStorage` for example; a handler that is a generator is run step by step.
   * Default: just calls it.
   */
  readonly run?: (<T>(call: DeliveredCall, task: () => T) => T) | undefined;
  /** connect-es interceptors, outermost first. Default: none. */
  readonly interceptors?: readonly Interceptor[] | undefined;
  /** Default: `compiledCodec`. */
  readonly codec?: MessageCodec | undefined;
  /** Reads compressed messages. Default: they are refused (ENCODING_UNSUPPORTED). */
  readonly inflate?: Inflate | undefined;
  /** Of an encoded request message, in bytes. Default 16 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /**
   * Whether handlers are given unencoded messages of callers in this process as they are, not a copy. Default false.
   */
  readonly share?: boolean | undefined;
  /** Told of what handlers threw that is no `ConnectError`, of which callers are told nothing. Default: nobody is. */
  readonly onUnexpectedError?: ((error: unknown, call: CallContext) => void) | undefined;
}

/** The services of one side of a connection: answers calls. */
export interface ServiceEnd extends CallHandler {
  /** Calls whose handlers are not done; a handler may still be at work when its caller has gone. */
  readonly active: number;
  /** Settles as soon as no call is active. */
  idle(): Promise<void>;
  /** Ends all calls with this failure. Their handlers are told by their signals. */
  cancelAll(failure: CallFailure): void;
  /** Opens more services. Throws a `TypeError` if one is open already or a method is not implemented. */
  add(services: readonly ServedService[]): void;
}

export function createServiceEnd(options: ServiceEndOptions): ServiceEnd {
  const { refuse, interceptors = [], codec = compiledCodec } = options;
  const reading: ReadingOptions = {
    codec,
    inflate: options.inflate,
    maxMessageBytes: checkMaxMessageBytes(options.maxMessageBytes),
    share: options.share ?? false,
  };
  const services = new Map<string, ReadonlyMap<string, ServiceMethod>>();
  const calls: ServiceCall[] = [];
  let waiting: (() => void)[] = [];

  const host: ServiceCallHost = {
    codec,
    timers: deadlines,
    draining: options.draining,
    run: options.run,
    onUnexpectedError: options.onUnexpectedError,
    finished(call) {
      const last = calls.pop();
      if (last !== undefined && last !== call) {
        calls[call.slot] = last;
        last.slot = call.slot;
      }
      if (calls.length > 0 || waiting.length === 0) return;
      const settled = waiting;
      waiting = [];
      for (const settle of settled) settle();
    },
  };

  function add(added: readonly ServedService[]): void {
    const prepared = added.map((served) => {
      if (services.has(served.desc.typeName)) {
        throw new TypeError(`The service ${served.desc.typeName} is served already.`);
      }
      return [served.desc.typeName, createServiceMethods(served, interceptors, reading)] as const;
    });
    for (const [name, methods] of prepared) services.set(name, methods);
  }

  function start(head: CallHead, responses: ResponseSink): RequestSink {
    const refused = refuse?.(head);
    if (refused !== undefined) return refuseCall(responses, refused);
    const method = services.get(head.service)?.get(head.method);
    if (method === undefined) return refuseCall(responses, unknownMethod(head, services.has(head.service)));
    const failure = check(head, method);
    if (failure !== undefined) return refuseCall(responses, failure);
    const call = new ServiceCall(host, method, head, responses);
    call.slot = calls.length;
    calls.push(call);
    call.begin();
    return call;
  }

  add(options.services ?? []);
  return {
    start,
    add,
    get active() {
      return calls.length;
    },
    idle() {
      if (calls.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
    cancelAll(failure) {
      for (const call of [...calls]) call.stop(failure);
    },
  };
}

function refuseCall(responses: ResponseSink, failure: CallFailure): RequestSink {
  responses.end(NO_METADATA, failure);
  return ignoredRequests;
}

function check(head: CallHead, method: ServiceMethod): CallFailure | undefined {
  const { kind, service, method: name } = head;
  const { methodKind } = method.desc;
  if (kind !== methodKind && kind !== "unknown") {
    return createFailure(
      "KIND_MISMATCH",
      `${service}/${name} is ${methodKind} here, but was called as ${kind}. Generate both sides from the same version of the schema.`,
      { facts: { service, method: name, kind: methodKind } },
    );
  }
  if (head.deadline !== Infinity && head.deadline <= performance.now()) {
    return createFailure("DEADLINE_EXCEEDED", `The deadline of ${service}/${name} passed before it began.`, {
      facts: { service, method: name },
    });
  }
  return head.header.length === 0 ? undefined : checkMetadata(head.header, "caller");
}

function unknownMethod(head: CallHead, serviceIsKnown: boolean): CallFailure {
  const { service, method } = head;
  const message = serviceIsKnown
    ? `The service ${service} has no method ${method} here. Its provider may have another version of it.`
    : `The service ${service} is not served here.`;
  return createFailure("UNKNOWN_METHOD", message, { facts: { service, method } });
}
