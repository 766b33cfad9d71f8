import type { Pipe, PipeReceiver } from "@connect-plugin/protocol";

/** More than this on its way, and a writer is asked to wait. */
const HIGH_WATER_BYTES = 65_536;

/** Two ends of a pipe in memory. What is written at one end arrives at the other, later and in order. */
export function createMemoryPipe(): [Pipe, Pipe] {
  const a = new MemoryPipe();
  const b = new MemoryPipe();
  a.peer = b;
  b.peer = a;
  return [a, b];
}

class MemoryPipe implements Pipe {
  peer: MemoryPipe | undefined;
  private receiver: PipeReceiver | undefined;
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;
  private scheduled = false;
  private full = false;
  private state: "open" | "ending" | "closed" = "open";

  start(receiver: PipeReceiver): void {
    this.receiver = receiver;
    this.peer?.schedule();
    this.schedule();
  }

  write(bytes: Uint8Array): boolean {
    if (this.state !== "open") return true;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.byteLength;
    this.schedule();
    if (this.waitingBytes > HIGH_WATER_BYTES) this.full = true;
    return !this.full;
  }

  defer(task: () => void): void {
    process.nextTick(task);
  }

  end(): void {
    if (this.state !== "open") return;
    this.state = "ending";
    this.schedule();
  }

  destroy(): void {
    this.waiting = [];
    this.close();
  }

  /** Delivers in a turn of its own, as a socket would. */
  private schedule(): void {
    if (this.scheduled || this.peer?.receiver === undefined) return;
    this.scheduled = true;
    setImmediate(() => this.deliver());
  }

  private deliver(): void {
    this.scheduled = false;
    const peer = this.peer;
    const pieces = this.waiting;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const piece of pieces) {
      if (peer?.state !== "closed") peer?.receiver?.data(piece);
    }
    if (this.state === "ending") {
      this.close();
    } else if (this.full && this.waiting.length === 0 && this.state === "open") {
      this.full = false;
      this.receiver?.drained();
    }
  }

  /** The end of one side is the end of both. */
  private close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    const { peer } = this;
    if (peer !== undefined && peer.state !== "closed") {
      peer.waiting = [];
      peer.close();
    }
    this.receiver?.closed(undefined);
  }
}
