import { ByteWriter, FrameEncoder, type Pipe } from "@connect-plugin/protocol";

/** Small frames are gathered in buffers of this size; a frame that needs more gets one of its own. */
const SLAB = 65_536;

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
  readonly #writer: ByteWriter;
  /** Where what has not been sent begins. */
  #start = 0;
  /** `held`: something waits for the end of the turn; `gathering`: and something has been sent already. */
  #turn: "quiet" | "held" | "gathering" = "quiet";
  readonly #turnOver = (): void => {
    this.#turn = "quiet";
    this.flush();
  };

  constructor(pipe: Pipe) {
    this.#pipe = pipe;
    this.#writer = new ByteWriter(new Uint8Array(SLAB), (writer, needed) => {
      this.flush();
      if (writer.at + needed <= writer.bytes.length) return;
      writer.bytes = new Uint8Array(Math.max(SLAB, needed));
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
