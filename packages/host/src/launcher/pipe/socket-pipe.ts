import type { Socket } from "node:net";
import type { Pipe, PipeReceiver } from "@connect-plugin/protocol/boot";

/**
 * Bytes that may wait for the peer before the sender is told to hold back. More than one large piece, so that the
 * socket never runs dry while the sender is woken.
 */
export const HIGH_WATER = 262_144;

/**
 * A pipe over a connected stream socket: a socket pair to a child process, a unix socket.
 *
 * A write goes to the socket at once, which tries the system call before it returns; gathering small writes is the
 * business of the lane. Nothing else may read from the socket or write to it.
 */
export function createSocketPipe(socket: Socket): Pipe {
  return new SocketPipe(socket, (receiver) => {
    socket.on("data", (chunk) => receiver.data(chunk));
  });
}

/** The pipe of a socket whose bytes arrive in a way of their own, which `listen` sets up. */
export class SocketPipe implements Pipe {
  readonly #socket: Socket;
  readonly #listen: (receiver: PipeReceiver) => void;
  #trouble: Error | undefined;
  /** Whether the sender was told to wait for `drained`. */
  #held = false;

  constructor(socket: Socket, listen: (receiver: PipeReceiver) => void) {
    this.#socket = socket;
    this.#listen = listen;
    // From the beginning, since a socket can break before anybody has begun to read.
    socket.on("error", (error) => {
      this.#trouble ??= error;
    });
  }

  start(receiver: PipeReceiver): void {
    const socket = this.#socket;
    if (socket.closed) {
      process.nextTick(() => receiver.closed(this.#trouble));
      return;
    }
    socket.on("close", () => receiver.closed(this.#trouble));
    socket.on("drain", () => {
      if (!this.#held) return;
      this.#held = false;
      receiver.drained();
    });
    this.#listen(receiver);
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    socket.write(bytes);
    // The socket's own mark is lower, so its `drain` comes whenever this says false.
    if (socket.writableLength < HIGH_WATER) return true;
    this.#held = true;
    return false;
  }

  defer(task: () => void): void {
    process.nextTick(task);
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
