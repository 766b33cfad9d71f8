import { chmod, rm } from "node:fs/promises";
import {
  createServer as createHttp1,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttp2, type Http2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createNet, type Server as NetServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { createServer as createTls, type SecureContextOptions, type TLSSocket } from "node:tls";
import type { CallFailure } from "@connect-plugin/protocol";
import { failureError } from "@connect-plugin/rpc";
import { answerBrokenRequest } from "./broken-request.js";
import type { Door } from "./door.js";
import { checkListenAddress, type ListenAddress, LOOPBACK } from "./listen-address.js";
import { checkListenerLimits, type ListenerLimits } from "./listener-limits.js";
import { switchProtocol } from "./protocol-switch.js";

export interface ListenerOptions {
  readonly door: Door;
  readonly address: ListenAddress;
  /** Certificate and key, as Node takes them. Default: cleartext. */
  readonly tls?: SecureContextOptions | undefined;
  /** Whether callers can have tokens, without which the door does not listen beyond loopback. */
  readonly hasTokens: boolean;
  /** Rejects if others may enter the directory of a unix socket. */
  readonly checkDirectory: (path: string) => Promise<void>;
  readonly limits?: Partial<ListenerLimits> | undefined;
}

/** The sockets of a door: HTTP/1.1 and HTTP/2 at one address. */
export interface Listener {
  /** `http://127.0.0.1:4711`, `https://…`, or `unix:/path`. */
  readonly url: string;
  /** Connections that are open. */
  readonly connections: number;
  /**
   * Takes no more connections and calls, lets those in flight go on for so long, and cuts off what is left with this
   * failure. Idempotent; never rejects.
   */
  close(failure: CallFailure, graceMs: number): Promise<void>;
}

/** For the last answers to get out, after the grace. */
const FAREWELL_MS = 250;

/** Rejects with a ConnectError: LISTEN_REFUSED, LISTEN_FAILED, SOCKET_PATH or DIRECTORY_NOT_PRIVATE. */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const { door, address, tls } = options;
  const limits = checkListenerLimits(options.limits);
  checkListenAddress(address, { tls: tls !== undefined, tokens: options.hasTokens });
  if ("path" in address) await options.checkDirectory(dirname(address.path));
  const http1 = openHttp1(door, limits);
  const sessions = new Set<ServerHttp2Session>();
  const http2 = openHttp2(door, limits, sessions);
  const sockets = new Set<Socket>();

  function handOn(version: 1 | 2, socket: Socket): void {
    (version === 2 ? http2 : http1).emit("connection", socket);
  }

  function accept(socket: Socket): void {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", ignore);
    if (tls === undefined) switchProtocol(socket, limits.headerMs, handOn);
  }

  const net =
    tls === undefined
      ? createNet({ noDelay: true }, accept)
      : createTls({
          ...tls,
          ALPNProtocols: ["h2", "http/1.1"],
          handshakeTimeout: limits.headerMs,
          noDelay: true,
        });
  if (tls !== undefined) {
    net.on("connection", accept);
    net.on("secureConnection", (socket: TLSSocket) => {
      socket.on("error", ignore);
      handOn(socket.alpnProtocol === "h2" ? 2 : 1, socket);
    });
    net.on("tlsClientError", (_error: Error, socket: TLSSocket) => socket.destroy());
  }
  net.maxConnections = limits.connections;
  await listen(net, address);
  if ("path" in address) await chmod(address.path, 0o600);
  let closing: Promise<void> | undefined;

  async function close(failure: CallFailure, graceMs: number): Promise<void> {
    door.drain(failure);
    const closed = new Promise<void>((resolve) => net.close(() => resolve()));
    // HTTP/1.1: those that wait for a next request end now, the others with their response.
    http1.close();
    for (const session of sessions) session.close();
    await within(door.idle(), graceMs);
    door.stop(failure);
    await within(door.idle(), FAREWELL_MS);
    http1.closeIdleConnections();
    // The last answers are on their way out; whoever does not take them is not waited for.
    const gone = [...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    const ended = Promise.all([closed, ...gone]);
    await within(ended, FAREWELL_MS);
    for (const session of sessions) session.destroy();
    for (const socket of sockets) socket.destroy();
    http2.close();
    await within(ended, FAREWELL_MS);
    if ("path" in address) await rm(address.path, { force: true });
  }

  return {
    url: urlOf(net, address, tls !== undefined),
    get connections() {
      return sockets.size;
    },
    close(failure, graceMs) {
      closing ??= close(failure, graceMs);
      return closing;
    },
  };
}

function openHttp1(door: Door, limits: ListenerLimits): Server {
  const server = createHttp1(
    {
      // Twice the door's own limit: what is a little too large is still answered in its caller's protocol.
      maxHeaderSize: limits.headerBytes * 2,
      headersTimeout: limits.headerMs,
      // A request may stream for as long as it likes; the door watches that its messages come on.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: Math.min(limits.headerMs, 5_000),
    },
    (request: IncomingMessage, response: ServerResponse) => door.handle(request, response),
  );
  server.on("clientError", (error, socket) => answerBrokenRequest(error, socket, door.breakOff));
  // It never listens itself, and only a server that does holds connections to their timeouts.
  server.emit("listening");
  return server;
}

function openHttp2(door: Door, limits: ListenerLimits, sessions: Set<ServerHttp2Session>): Http2Server {
  const server = createHttp2(
    {
      settings: {
        maxConcurrentStreams: limits.streams,
        maxHeaderListSize: limits.headerBytes * 2,
        initialWindowSize: limits.windowBytes,
      },
    },
    (request, response) => door.handle(request, response),
  );
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    // Streams that wait for a slow handler bring no traffic, and must not end with their session.
    let streams = 0;
    session.on("stream", (stream) => {
      streams++;
      stream.on("close", () => streams--);
    });
    session.setTimeout(limits.keepAliveMs, () => {
      if (streams === 0) session.close();
    });
  });
  // A session's error is its peer's, and its streams have heard of it.
  server.on("sessionError", ignore);
  return server;
}

function listen(server: NetServer, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      const at = "path" in address ? address.path : `${address.host ?? LOOPBACK}:${address.port}`;
      const code = "code" in error ? String(error.code) : error.message;
      reject(
        failureError(
          "LISTEN_FAILED",
          `the door cannot listen at ${at} (${code}); stop what listens there, or configure another address`,
          { facts: { address: at } },
        ),
      );
    });
    const listening = () => resolve();
    if ("path" in address) server.listen(address.path, listening);
    else server.listen(address.port, address.host ?? LOOPBACK, listening);
  });
}

function urlOf(server: NetServer, address: ListenAddress, secure: boolean): string {
  if ("path" in address) return `unix:${address.path}`;
  const bound = server.address() as AddressInfo;
  const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
  return `${secure ? "https" : "http"}://${host}:${bound.port}`;
}

async function within(done: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, elapsed]);
  clearTimeout(timer);
}

function ignore(): void {}
