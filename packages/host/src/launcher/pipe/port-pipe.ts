import type { MessagePort } from "node:worker_threads";
import type { Pipe, PipeReceiver } from "@connect-plugin/protocol/boot";

/** Bytes that may be unread at the other end before the sender is told to hold back. */
const HIGH_WATER = 1_048_576;

/** Bytes that are read before the sender is told so. A quarter of the mark, so that a steady stream never waits. */
const TOLD_AFTER = 262_144;

/** From here on handing a buffer over is cheaper than having it copied. */
const TRANSFER_FROM = 16_384;

/** What goes through the port: bytes, a count of bytes that were read, or null for the orderly end. */
type PortMessage = Uint8Array | number | null;

/**
 * A pipe over a message port. A port has no backpressure of its own (what is unread piles up in the reader's memory),
 * so each side tells the other how much it has read. To be started in the turn in which it is made.
 */
export function createPortPipe(port: MessagePort): Pipe {
  return new PortPipe(port);
}

class PortPipe implements Pipe {
  readonly #port: MessagePort;
  /** False once either side has said that it ends. */
  #open = true;
  /** Bytes sent that the other side has not said it read. */
  #unread = 0;
  #held = false;
  /** Bytes read that the other side has not been told of. */
  #untold = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  start(receiver: PipeReceiver): void {
    const port = this.#port;
    port.on("close", () => {
      const unsaid = this.#open;
      this.#open = false;
      receiver.closed(unsaid ? new Error("the other thread ended without closing its port") : undefined);
    });
    port.on("message", (message: PortMessage) => {
      if (typeof message === "number") {
        this.#told(message, receiver);
      } else if (message === null) {
        this.destroy();
      } else {
        receiver.data(message);
        this.#read(message.byteLength);
      }
    });
  }

  write(bytes: Uint8Array): boolean {
    if (!this.#open) return true;
    this.#unread += bytes.byteLength;
    const whole = ownsItsBuffer(bytes) ? bytes : new Uint8Array(bytes);
    this.#port.postMessage(whole, whole.byteLength >= TRANSFER_FROM ? [whole.buffer as ArrayBuffer] : []);
    if (this.#unread < HIGH_WATER) return true;
    this.#held = true;
    return false;
  }

  defer(task: () => void): void {
    process.nextTick(task);
  }

  end(): void {
    if (!this.#open) return;
    this.#port.postMessage(null);
    this.destroy();
  }

  destroy(): void {
    this.#open = false;
    this.#port.close();
  }

  #told(bytes: number, receiver: PipeReceiver): void {
    this.#unread -= bytes;
    if (!this.#held || this.#unread > HIGH_WATER - TOLD_AFTER) return;
    this.#held = false;
    receiver.drained();
  }

  #read(bytes: number): void {
    this.#untold += bytes;
    if (this.#untold < TOLD_AFTER || !this.#open) return;
    this.#port.postMessage(this.#untold);
    this.#untold = 0;
  }
}

/** Posting a view sends all of the buffer behind it: one that is part of more must be copied first. */
function ownsItsBuffer(bytes: Uint8Array): boolean {
  return bytes.buffer instanceof ArrayBuffer && bytes.byteLength === bytes.buffer.byteLength;
}
