import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";

// What the door needs of Node's requests and responses: the same for both versions of HTTP, and for the frameworks
// that pass Node's own objects on.

/** Fields of a response, as Node takes them. */
export type ResponseFields = Record<string, string | number | string[]>;

/** A request of HTTP/1.1 or HTTP/2. */
export type HttpRequest = IncomingMessage | Http2ServerRequest;

/** A response of HTTP/1.1 or HTTP/2. */
export interface HttpResponse {
  readonly headersSent: boolean;
  readonly destroyed?: boolean | undefined;
  writeHead(status: number, fields?: ResponseFields): unknown;
  setHeader(name: string, value: string | number | string[]): unknown;
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  end(chunk: Uint8Array): unknown;
  addTrailers(trailers: ResponseFields): unknown;
  on(event: "close" | "drain" | "finish", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** The streams of HTTP/2, as far as the door closes them itself. */
interface ClosableStream {
  close(code?: number): void;
  readonly closed: boolean;
}

/** The stream of a request of HTTP/2; undefined for HTTP/1.1. */
export function streamOf(request: HttpRequest): ClosableStream | undefined {
  if (request.httpVersionMajor < 2 || !("stream" in request)) return undefined;
  return request.stream;
}

/** How long the rest of a body may take that nobody wants, before its connection is cut. */
const LINGER_MS = 2_000;

/**
 * Deals with what is left of a request's body after its response: reads and drops it for a moment, so that the
 * connection can go on and the caller gets to read the response instead of a reset.
 */
export function dropBody(request: HttpRequest): void {
  if (request.readableEnded || request.destroyed) return;
  request.resume();
  if (request.complete) return;
  const stream = streamOf(request);
  // Not at once, though HTTP/2 knows a polite way to say that the rest is not wanted: trailers may still be on their way.
  const timer = setTimeout(
    () => (stream === undefined ? request.socket.destroy() : stream.close(0)),
    LINGER_MS,
  );
  timer.unref();
  request.once("close", () => clearTimeout(timer));
  request.once("end", () => clearTimeout(timer));
}
