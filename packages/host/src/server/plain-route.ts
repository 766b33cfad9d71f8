import type { Principal } from "../auth/principal.js";
import type { RequestHead } from "./gate.js";
import type { HttpRequest, HttpResponse } from "./http-exchange.js";

/** A request that is no call. */
export interface PlainExchange {
  readonly head: RequestHead;
  /** The request's path without a secret prefix. */
  readonly path: string;
  /** Undefined if the route is public. */
  readonly principal: Principal | undefined;
  readonly request: HttpRequest;
  readonly response: HttpResponse;
}

/** Something at the door that is plain HTTP: health, a proxy, grants. */
export interface PlainRoute {
  /** All of a path, `/healthz`, or, with a slash at its end, everything below it: `/services/`. */
  readonly path: string;
  /** Whether the gate is not asked. Default false. */
  readonly public?: boolean;
  /** Answers. What it throws becomes an error of the host's. */
  handle(exchange: PlainExchange): void;
}

/** Finds routes by path: exact ones first, then the longest that the path is below. */
export function createPlainRoutes(routes: readonly PlainRoute[]): (path: string) => PlainRoute | undefined {
  const exact = new Map<string, PlainRoute>();
  const below: PlainRoute[] = [];
  for (const route of routes) {
    if (!route.path.startsWith("/"))
      throw new TypeError(`routes: a path must begin with "/", got ${route.path}`);
    if (exact.has(route.path)) throw new TypeError(`routes: ${route.path} is there twice`);
    exact.set(route.path, route);
    if (route.path.endsWith("/")) below.push(route);
  }
  below.sort((a, b) => b.path.length - a.path.length);
  if (exact.size === 0) return () => undefined;
  return (path) => exact.get(path) ?? below.find((route) => path.startsWith(route.path));
}
