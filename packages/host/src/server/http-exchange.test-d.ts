import type { ServerResponse } from "node:http";
import type { Http2ServerResponse } from "node:http2";
import type { HttpResponse } from "./http-exchange.js";

/** Compiles while Node's own responses are what the door takes. */
export function fits(response: ServerResponse | Http2ServerResponse): HttpResponse {
  return response;
}
