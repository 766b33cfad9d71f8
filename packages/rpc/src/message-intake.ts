import type { Message } from "@bufbuild/protobuf";
import { type Codec, type Piece, pieceCost } from "@connect-plugin/protocol";
import type { MessageParts, MessageReader } from "./message-reader.js";

/**
 * The receiving end of a stream of pieces: puts messages together and gives the sender credit.
 *
 * Credit for a message is given when the consumer takes it. That for the parts of a message that is not complete has
 * to be given earlier, or its rest would never come: at once while the consumer has nothing else to take, and held back while it
 * has. So a consumer that has stopped holds a window and one message at most.
 */
export class MessageIntake {
  private readonly reader: MessageReader;
  private readonly codec: Codec;
  private readonly credit: (bytes: number) => void;
  private parts: MessageParts | undefined = undefined;
  /** Cost of parts that credit has not been given for. */
  private held = 0;

  constructor(reader: MessageReader, codec: Codec, credit: (bytes: number) => void) {
    this.reader = reader;
    this.codec = codec;
    this.credit = credit;
  }

  /** Whether it is in the middle of a message. */
  get partial(): boolean {
    return this.parts !== undefined;
  }

  /** Returns the message that this piece completes, if it does. Throws a `ConnectError` for what is wrong with it. */
  take(piece: Piece, consumerWaits: boolean): Message | undefined {
    if (piece.form === "bytes" && piece.more) {
      this.parts = this.reader.part(this.parts, piece);
      this.held += pieceCost(piece);
      if (consumerWaits) this.taken(0, true);
      return undefined;
    }
    if (this.parts === undefined) return this.reader.whole(piece, this.codec);
    const { parts } = this;
    this.parts = undefined;
    return this.reader.completed(parts, piece, this.codec);
  }

  /** The consumer has taken messages whose last pieces had this cost. */
  taken(cost: number, consumerWaits: boolean): void {
    let credit = cost;
    if (consumerWaits) {
      credit += this.held;
      this.held = 0;
    }
    if (credit > 0) this.credit(credit);
  }
}
