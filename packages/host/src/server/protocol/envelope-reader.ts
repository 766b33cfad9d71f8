import type { BytesPiece, CallFailure } from "@connect-plugin/protocol";
import { invalidRequest, requestTooLarge } from "./request-failures.js";

/** Who is told of what envelopes hold. */
export interface EnvelopeVisitor {
  piece(piece: BytesPiece): void;
  /** Nothing may be read after it. */
  broken(failure: CallFailure): void;
}

const PREFIX = 5;
const COMPRESSED = 1;

/** Takes the envelopes off the messages of a request: a byte of flags and four of length before each. */
export class EnvelopeReader {
  private readonly visitor: EnvelopeVisitor;
  private readonly limit: number;
  /** Whether the head of the request said that messages may be compressed with gzip. */
  private readonly mayBeGzip: boolean;
  private readonly prefix = new Uint8Array(PREFIX);
  private filled = 0;
  private remaining = 0;
  private gzip = false;

  constructor(visitor: EnvelopeVisitor, limit: number, mayBeGzip: boolean) {
    this.visitor = visitor;
    this.limit = limit;
    this.mayBeGzip = mayBeGzip;
  }

  /** Whether a message has begun and is not complete. */
  get inside(): boolean {
    return this.filled > 0;
  }

  /** Reads from `at`, one piece at most, and returns where it stopped. */
  read(chunk: Uint8Array, at: number): number {
    const { visitor } = this;
    let next = at;
    if (this.filled < PREFIX) {
      while (this.filled < PREFIX && next < chunk.byteLength)
        this.prefix[this.filled++] = chunk[next++] as number;
      if (this.filled < PREFIX) return next;
      const problem = this.open();
      if (problem !== undefined) {
        visitor.broken(problem);
        return chunk.byteLength;
      }
    }
    const size = Math.min(this.remaining, chunk.byteLength - next);
    if (size === 0 && this.remaining > 0) return next;
    this.remaining -= size;
    const more = this.remaining > 0;
    if (!more) this.filled = 0;
    visitor.piece({ form: "bytes", bytes: chunk.subarray(next, next + size), more, gzip: this.gzip });
    return next + size;
  }

  private open(): CallFailure | undefined {
    const [flags = 0, a = 0, b = 0, c = 0, d = 0] = this.prefix;
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    if ((flags & ~COMPRESSED) !== 0) {
      return invalidRequest(
        `The flags of a request's message are 0 or, compressed, 1; those of this one are ${flags}.`,
      );
    }
    this.gzip = flags === COMPRESSED;
    if (this.gzip && !this.mayBeGzip) {
      return invalidRequest(
        "A message is marked as compressed, but the request's header names no compression.",
      );
    }
    if (length > this.limit) return requestTooLarge(this.limit, length);
    this.remaining = length;
    return undefined;
  }
}
