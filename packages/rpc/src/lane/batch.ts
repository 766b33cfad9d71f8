import { ByteWriter, FrameEncoder, type Pipe } from "@connect-plugin/protocol";
import { BUFFER_SIZE, type BufferPool } from "./buffer-pool.js";

/** Full buffers that are remembered until the pipe says that it is done with them. */
const MOST_FULL = 16;

/**
 * Gathers frames into writes. The first frame of a turn is sent at once, so that the peer begins to work; what comes
 * after it is gathered until the turn is over or the buffer is full.
 */
export class Batch {
  readonly encoder: FrameEncoder;
  /** Whether enough waits in the pipe already. What can wait is held until `drained`. */
  blocked = false;
  bytesSent = 0;
  readonly #pipe: Pipe;
  readonly #pool: BufferPool;
  readonly #writer: ByteWriter;
  /** Written to the end, and perhaps not sent. */
  #full: Uint8Array[] = [];
  /** Where what has not been sent begins. */
  #start = 0;
  /** `held`: something waits for the end of the turn; `gathering`: and something has been sent already. */
  #turn: "quiet" | "held" | "gathering" = "quiet";
  readonly #turnOver = (): void => {
    this.#turn = "quiet";
    this.flush();
  };

  constructor(pipe: Pipe, pool: BufferPool) {
    this.#pipe = pipe;
    this.#pool = pool;
    this.#writer = new ByteWriter(pool.take(), (writer, needed) => {
      this.flush();
      if (writer.bytes.length === BUFFER_SIZE && this.#full.length < MOST_FULL) this.#full.push(writer.bytes);
      writer.bytes = needed <= BUFFER_SIZE ? pool.take() : new Uint8Array(needed);
      writer.at = 0;
      this.#start = 0;
    });
    this.encoder = new FrameEncoder(this.#writer);
  }

  /** A frame was written that has work for the peer. */
  ready(): void {
    if (this.#turn === "gathering") return;
    if (this.#turn === "quiet") this.#pipe.defer(this.#turnOver);
    this.#turn = "gathering";
    this.flush();
  }

  /** A frame was written that has no work for the peer yet, or to which more will be added soon. */
  hold(): void {
    if (this.#turn !== "quiet") return;
    this.#turn = "held";
    this.#pipe.defer(this.#turnOver);
  }

  /** The pipe has sent all that it was given. */
  drained(): void {
    this.blocked = false;
    for (const buffer of this.#full) this.#pool.give(buffer);
    this.#full = [];
  }

  flush(): void {
    this.encoder.seal();
    const { bytes, at } = this.#writer;
    if (at === this.#start) return;
    const waiting = bytes.subarray(this.#start, at);
    this.#start = at;
    this.bytesSent += waiting.length;
    if (!this.#pipe.write(waiting)) this.blocked = true;
  }
}
