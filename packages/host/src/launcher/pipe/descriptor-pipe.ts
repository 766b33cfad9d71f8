import { type OnReadOpts, Socket, type SocketConstructorOpts } from "node:net";
import type { Pipe, PipeReceiver } from "@connect-plugin/protocol/boot";
import { SocketPipe } from "./socket-pipe.js";

const READ_BUFFER = 262_144;

/**
 * A pipe over an inherited descriptor of a socket. All reads land in one buffer, which saves an allocation per read
 * (a sixth more round trips a second than with `data` events). To be started in the turn in which it is made.
 *
 * @throws Error if the descriptor is not open or not a stream socket or pipe
 */
export function createDescriptorPipe(fd: number): Pipe {
  let receiver: PipeReceiver | undefined;
  const options: SocketConstructorOpts & { readonly onread: OnReadOpts } = {
    fd,
    readable: true,
    writable: true,
    onread: {
      buffer: new Uint8Array(READ_BUFFER),
      callback(size, buffer) {
        receiver?.data(buffer.subarray(0, size));
        return true;
      },
    },
  };
  const socket = new Socket(options);
  return new SocketPipe(socket, (taker) => {
    receiver = taker;
  });
}
