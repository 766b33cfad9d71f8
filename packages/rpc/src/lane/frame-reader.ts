import {
  checkPayload,
  type FrameDecoder,
  HEADER_SIZE,
  LANE_VERSION,
  LaneProtocolError,
  PREFACE,
  printableBytes,
  readU32,
} from "@connect-plugin/protocol";

/** Bytes of something else that are shown where the preface should have been. */
const SHOWN = 64;

/** Cuts what a pipe delivers into frames. Only the part of a frame that a chunk ends in is copied. */
export class FrameReader {
  bytesReceived = 0;
  readonly #decoder: FrameDecoder;
  /** The beginning of the frame, or of the preface, whose end has not come. */
  #carry = new Uint8Array(4_096);
  #carried = 0;
  #hasPreface = false;
  #stopped = false;

  constructor(decoder: FrameDecoder) {
    this.#decoder = decoder;
  }

  /** Whether the end would cut something off. */
  get isInside(): boolean {
    return this.#carried > 0;
  }

  /** Ignores all that follows. */
  stop(): void {
    this.#stopped = true;
  }

  /** Throws a `LaneProtocolError`. */
  read(chunk: Uint8Array): void {
    this.bytesReceived += chunk.length;
    let at = 0;
    if (!this.#hasPreface) at = this.#preface(chunk);
    if (this.#carried > 0 && this.#hasPreface) at = this.#complete(chunk, at);
    while (!this.#stopped && chunk.length - at >= HEADER_SIZE) {
      const end = at + HEADER_SIZE + payloadLength(chunk, at);
      if (end > chunk.length) break;
      this.#decoder.frame(chunk[at + 3] as number, readU32(chunk, at + 4), chunk, at + HEADER_SIZE, end);
      at = end;
    }
    if (!this.#stopped && at < chunk.length) this.#keep(chunk, at, chunk.length);
  }

  #preface(chunk: Uint8Array): number {
    const missing = PREFACE.length - this.#carried;
    for (let i = 0; i < missing && i < chunk.length; i++) {
      if (chunk[i] !== PREFACE[this.#carried + i]) throw this.#notAPreface(chunk, this.#carried + i);
    }
    const end = Math.min(missing, chunk.length);
    this.#keep(chunk, 0, end);
    if (this.#carried < PREFACE.length) return end;
    this.#hasPreface = true;
    this.#carried = 0;
    return end;
  }

  #notAPreface(chunk: Uint8Array, wrong: number): LaneProtocolError {
    this.#keep(chunk, 0, Math.min(chunk.length, SHOWN));
    const found = this.#carry.subarray(0, this.#carried);
    if (wrong === PREFACE.length - 1) {
      return new LaneProtocolError(
        "preface",
        `Version ${LANE_VERSION} of the lane was expected, but it speaks version ${found[wrong]}. Use releases of the host and of the plugin's SDK that speak the same`,
      );
    }
    return new LaneProtocolError(
      "preface",
      `The lane's preface "${printableBytes(Uint8Array.from(PREFACE))}" was expected first, but "${printableBytes(found, SHOWN)}" came`,
    );
  }

  /** Completes the frame that was begun, if the chunk has the rest of it. Returns where the chunk goes on. */
  #complete(chunk: Uint8Array, start: number): number {
    let at = start;
    if (this.#carried < HEADER_SIZE) {
      at = this.#keepUpTo(HEADER_SIZE, chunk, at);
      if (this.#carried < HEADER_SIZE) return at;
    }
    const end = HEADER_SIZE + payloadLength(this.#carry, 0);
    at = this.#keepUpTo(end, chunk, at);
    if (this.#carried < end) return at;
    this.#carried = 0;
    const carry = this.#carry;
    this.#decoder.frame(carry[3] as number, readU32(carry, 4), carry, HEADER_SIZE, end);
    return at;
  }

  #keepUpTo(size: number, chunk: Uint8Array, start: number): number {
    const end = Math.min(chunk.length, start + size - this.#carried);
    this.#keep(chunk, start, end, size);
    return end;
  }

  #keep(chunk: Uint8Array, start: number, end: number, room = 0): void {
    const needed = Math.max(room, this.#carried + end - start);
    if (needed > this.#carry.length) {
      const larger = new Uint8Array(needed);
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
    }
    this.#carry.set(chunk.subarray(start, end), this.#carried);
    this.#carried += end - start;
  }
}

/** Of the frame whose header begins at `at`. */
function payloadLength(bytes: Uint8Array, at: number): number {
  const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  checkPayload(bytes[at + 3] as number, length);
  return length;
}
