import type { DescMethod } from "@bufbuild/protobuf";
import type { Interceptor } from "@connectrpc/connect";
import { interceptHandler } from "./intercepted-handler.js";
import { createMessageReader, type MessageReader, type ReadingOptions } from "./message-reader.js";
import { hasManyRequests, hasManyResponses } from "./method-kind.js";
import type { ServiceContext } from "./service-context.js";
import type { ServedService } from "./service-end.js";

/**
 * A handler, whatever its kind: takes a message or an async iterable of messages, and gives what a message can be made
 * of, a promise of that, or an async iterable of it.
 */
export type Handler = (request: unknown, call: ServiceContext) => unknown;

/** A method that is served, with all that can be prepared before it is called. */
export interface ServiceMethod {
  readonly desc: DescMethod;
  readonly handler: Handler;
  readonly reader: MessageReader;
  /** Requests come as a stream. */
  readonly manyIn: boolean;
  /** Responses go as a stream. */
  readonly manyOut: boolean;
}

/** Throws a `TypeError` if a method is not implemented. */
export function createServiceMethods(
  served: ServedService,
  interceptors: readonly Interceptor[],
  reading: ReadingOptions,
): ReadonlyMap<string, ServiceMethod> {
  const methods = new Map<string, ServiceMethod>();
  for (const desc of served.desc.methods) {
    const handler = findHandler(served, desc);
    methods.set(desc.name, {
      desc,
      handler: interceptors.length === 0 ? handler : interceptHandler(desc, handler, interceptors),
      reader: createMessageReader("request", desc.input, reading),
      manyIn: hasManyRequests(desc),
      manyOut: hasManyResponses(desc),
    });
  }
  return methods;
}

function findHandler(served: ServedService, desc: DescMethod): Handler {
  const implementation = served.implementation as Record<string, unknown>;
  const handler = implementation[desc.localName];
  if (typeof handler !== "function") {
    throw new TypeError(
      `The implementation of ${served.desc.typeName} has no function ${desc.localName} for its method ${desc.name}.`,
    );
  }
  return handler.bind(implementation) as Handler;
}
