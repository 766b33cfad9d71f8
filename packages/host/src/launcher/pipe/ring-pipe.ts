import type { MessagePort } from "node:worker_threads";
import type { Pipe, PipeReceiver } from "@connect-plugin/protocol/boot";
import { RingReader, RingWriter } from "./ring.js";

/** One side's ends of the two rings between two threads, and the port by which they wake each other. */
export interface RingEnds {
  readonly port: MessagePort;
  readonly incoming: SharedArrayBuffer;
  readonly outgoing: SharedArrayBuffer;
}

/** What goes through the port: look at the rings, or no more will be written. */
const LOOK = 0;
const END = 1;

/**
 * A pipe to another thread: bytes go through shared memory, as in a socket but without the kernel, and the port is only
 * the bell. (Bytes through the port itself were measured at a quarter of the calls a second: each post is an event of
 * its own at the reader, and nothing gathers them.) To be started in the turn in which it is made.
 */
export function createRingPipe(ends: RingEnds): Pipe {
  return new RingPipe(ends);
}

class RingPipe implements Pipe {
  readonly #port: MessagePort;
  readonly #writer: RingWriter;
  readonly #reader: RingReader;
  readonly #look: () => void;
  /** What the ring had no room for, oldest first. */
  readonly #waiting: Uint8Array[] = [];
  #receiver: PipeReceiver | undefined;
  /** `ending`: takes no more writes. `cut`: and no more of the peer. `over`: and `closed` was told. */
  #state: "open" | "ending" | "cut" | "over" = "open";
  #peerEnded = false;
  #lookingSoon = false;

  constructor({ port, incoming, outgoing }: RingEnds) {
    this.#port = port;
    const wake = () => port.postMessage(LOOK);
    this.#writer = new RingWriter(outgoing, wake);
    this.#reader = new RingReader(incoming, wake);
    this.#look = () => {
      this.#lookingSoon = false;
      this.#receive();
    };
  }

  start(receiver: PipeReceiver): void {
    this.#receiver = receiver;
    this.#port.on("message", (message: number) => {
      if (message === END) this.#peerEnded = true;
      this.#send();
      if (this.#peerEnded) this.#finish();
      else this.#receive();
    });
    this.#port.on("close", () => this.#finish());
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state !== "open") return true;
    if (this.#waiting.length > 0) {
      this.#waiting.push(bytes);
      return false;
    }
    const taken = this.#writer.write(bytes);
    if (taken === bytes.byteLength) return true;
    this.#waiting.push(bytes.subarray(taken));
    return false;
  }

  defer(task: () => void): void {
    process.nextTick(task);
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ending";
    if (this.#waiting.length === 0) this.#sayEnd();
  }

  destroy(): void {
    if (this.#state === "over" || this.#state === "cut") return;
    this.#state = "cut";
    this.#waiting.length = 0;
    this.#sayEnd();
  }

  #sayEnd(): void {
    this.#port.postMessage(END);
    this.#port.close();
  }

  /** Sends on what had to wait for room. */
  #send(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const taken = this.#writer.write(next);
      if (taken < next.byteLength) {
        this.#waiting[0] = next.subarray(taken);
        return;
      }
      this.#waiting.shift();
      if (this.#waiting.length > 0) continue;
      if (this.#state === "ending") this.#sayEnd();
      else if (this.#state === "open") this.#receiver?.drained();
    }
  }

  /**
   * Tells what is there. What comes meanwhile is for the next turn, so that answers can go out and others have theirs;
   * and only a turn without anything is followed by sleep, since a bell costs far more than a look (measured: twice the
   * calls a second with 32 in flight).
   */
  #receive(): void {
    if (this.#lookingSoon || this.#state === "cut" || this.#state === "over") return;
    const some = this.#reader.read((bytes) => this.#receiver?.data(bytes));
    if (!some && this.#reader.sleep()) return;
    this.#lookingSoon = true;
    setImmediate(this.#look);
  }

  /** The other side is gone or writes no more: tells the rest and the end. */
  #finish(): void {
    if (this.#state === "over") return;
    const lost = !this.#peerEnded && this.#state === "open";
    this.#port.close();
    while (this.#state !== "cut" && this.#reader.read((bytes) => this.#receiver?.data(bytes)));
    this.#state = "over";
    this.#receiver?.closed(lost ? new Error("the other thread ended without closing its pipe") : undefined);
  }
}
