import type { HttpRequest, HttpResponse } from "./http-exchange.js";
import { dropBody } from "./http-exchange.js";
import type { PlainExchange, PlainRoute } from "./plain-route.js";

export interface HealthRoutesOptions {
  /** Whether the host, or a service, can be called now; undefined for a service that nobody has heard of. */
  readonly isReady: (service: string | undefined) => boolean | undefined;
}

/**
 * Where orchestrators look: `/healthz` and `/health` answer while the process lives, `/readyz` (`?service=` for one)
 * while it can be called. Status and text are those of connect-plugin for Go.
 */
export function createHealthRoutes({ isReady }: HealthRoutesOptions): readonly PlainRoute[] {
  return [
    { path: "/healthz", public: true, handle: (exchange) => answer(exchange, 200, "ok") },
    { path: "/health", public: true, handle: (exchange) => answer(exchange, 200, "OK") },
    {
      path: "/readyz",
      public: true,
      handle(exchange) {
        const service = new URLSearchParams(exchange.head.query).get("service") ?? undefined;
        const ready = isReady(service === "" ? undefined : service);
        if (ready === undefined) answer(exchange, 404, "unknown service");
        else answer(exchange, ready ? 200 : 503, ready ? "ready" : "not ready");
      },
    },
  ];
}

function answer({ request, response }: PlainExchange, status: number, text: string): void {
  respondText(request, response, status, text);
}

function respondText(request: HttpRequest, response: HttpResponse, status: number, text: string): void {
  const body = Buffer.from(text);
  response.writeHead(status, {
    "content-type": "text/plain; charset=utf-8",
    "content-length": body.byteLength,
    "cache-control": "no-store",
  });
  if (request.method === "HEAD") response.end();
  else response.end(body);
  dropBody(request);
}
