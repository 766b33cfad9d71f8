import { chmod, lstat, rm } from "node:fs/promises";
import { createServer, connect as openSocket, type Server, type Socket } from "node:net";
import { type CallFailure, type CallHandler, type Connection, createFailure } from "@connect-plugin/protocol";
import { createLane, failureError, refuseCalls } from "@connect-plugin/rpc";
import { createSocketPipe } from "../launcher/pipe/socket-pipe.js";
import { findSocketPath, makeSocketPlace } from "./socket-place.js";

/** The way in for the operator of this machine: a lane over a unix socket that only its owner can reach. */
export interface OperatorSocket {
  /** Where it listens. */
  readonly path: string;
  /** Ends all connections with this failure and removes the socket. Idempotent. */
  close(failure: CallFailure): Promise<void>;
}

export interface OperatorSocketOptions {
  /** The private directory of the socket; made if there is none. */
  readonly dir: string;
  /** Takes the calls of one more operator. */
  readonly admit: () => OperatorCalls;
}

export interface OperatorCalls {
  readonly handler: CallHandler;
  /** The connection has ended. */
  end(): void;
}

/** Operators at once. */
const CONNECTION_LIMIT = 32;
const FAREWELL_MS = 500;

/**
 * Opens the operator's socket of a host. A socket that a dead host has left behind is taken away first.
 *
 * Rejects with a ConnectError: HOST_ALREADY_RUNNING, DIRECTORY_NOT_PRIVATE or SOCKET_PATH.
 */
export async function createOperatorSocket(options: OperatorSocketOptions): Promise<OperatorSocket> {
  const before = await findSocketPath(options.dir);
  if (before !== undefined) await removeStale(before, options.dir);
  const place = await makeSocketPlace(options.dir);
  const connections = new Set<Connection>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => accept(socket));
  server.maxConnections = CONNECTION_LIMIT;

  function accept(socket: Socket): void {
    const calls = options.admit();
    const pipe = createSocketPipe(socket);
    const lane = createLane(pipe, { side: "host", handler: calls.handler, peerName: "the operator" });
    connections.add(lane);
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    void lane.closed.then(() => {
      connections.delete(lane);
      calls.end();
      // The last words are on their way; a peer that does not take them must not hold the socket open.
      void elapsed(FAREWELL_MS).then(() => socket.destroy());
    });
  }

  try {
    await listen(server, place.path, options.dir);
    await chmod(place.path, 0o600);
  } catch (error) {
    server.close();
    await place.remove();
    throw error;
  }
  let closing: Promise<void> | undefined;
  return {
    path: place.path,
    close(failure) {
      closing ??= close(failure);
      return closing;
    },
  };

  async function close(failure: CallFailure): Promise<void> {
    // Removes the socket's file, too.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const ends = [...connections].map((connection) => {
      connection.close(failure);
      return connection.closed;
    });
    await Promise.race([Promise.all(ends), elapsed(FAREWELL_MS)]);
    await Promise.race([closed, elapsed(FAREWELL_MS)]);
    for (const socket of sockets) socket.destroy();
    await place.remove();
  }
}

/** A connection to a running host, with the operator's rights. */
export async function connectOperator(options: { readonly dir: string }): Promise<Connection> {
  const path = await findSocketPath(options.dir);
  const socket = path === undefined ? undefined : await dial(path);
  if (socket === undefined) {
    throw failureError(
      "HOST_NOT_RUNNING",
      `no host runs whose operator's directory is ${options.dir}; start it first (connect-plugin run), ` +
        "or name the configuration of the one that runs",
      { facts: { directory: options.dir } },
    );
  }
  const handler = refuseCalls((head) =>
    createFailure("UNKNOWN_METHOD", `an operator offers no ${head.service}`),
  );
  return createLane(createSocketPipe(socket), { side: "plugin", handler });
}

async function removeStale(path: string, directory: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket()) throw inTheWay(path);
  const socket = await dial(path);
  if (socket !== undefined) {
    socket.destroy();
    throw alreadyRunning(directory);
  }
  // Between then and now another host may have begun to listen.
  const now = await lstat(path).catch(() => undefined);
  if (now !== undefined && now.ino !== found.ino) throw alreadyRunning(directory);
  await rm(path, { force: true });
}

/** A connected socket; undefined if nobody listens there. */
function dial(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = openSocket({ path });
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error) => {
      const nobody = "code" in error && (error.code === "ECONNREFUSED" || error.code === "ENOENT");
      if (nobody) resolve(undefined);
      else reject(error);
    });
  });
}

function listen(server: Server, path: string, directory: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => {
      reject("code" in error && error.code === "EADDRINUSE" ? alreadyRunning(directory) : error);
    });
    server.listen(path, () => resolve());
  });
}

function inTheWay(path: string) {
  return failureError(
    "SOCKET_PATH",
    `the operator's socket belongs at ${path}, but something that is no socket lies there; remove it`,
    { facts: { path } },
  );
}

function alreadyRunning(directory: string) {
  return failureError(
    "HOST_ALREADY_RUNNING",
    `a host runs already with the operator's directory ${directory}; stop it first (connect-plugin stop), ` +
      "or give this one a configuration of its own",
    { facts: { directory } },
  );
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
