import { FrameFlag } from "@connect-plugin/protocol";

/** A piece that waits to be sent. */
export interface WaitingPiece {
  readonly bytes: Uint8Array;
  /** How far it has been sent. */
  sent: number;
  /** Of the frame that ends it. */
  readonly flags: number;
  /** What its giver is credited once it is sent. */
  readonly cost: number;
  /** Whether the bytes are a copy from the lane's store. */
  readonly isCopy: boolean;
  next: WaitingPiece | undefined;
}

/** The flags of a frame that does not end its piece. */
export function flagsInside(piece: WaitingPiece): number {
  return (piece.flags & FrameFlag.GZIP) | FrameFlag.MORE;
}

/** Pieces of one call that wait, in order. */
export class PieceQueue {
  first: WaitingPiece | undefined = undefined;
  #last: WaitingPiece | undefined = undefined;

  push(bytes: Uint8Array, flags: number, cost: number, isCopy: boolean): void {
    const piece: WaitingPiece = { bytes, sent: 0, flags, cost, isCopy, next: undefined };
    if (this.#last === undefined) this.first = piece;
    else this.#last.next = piece;
    this.#last = piece;
  }

  shift(): void {
    this.first = this.first?.next;
    if (this.first === undefined) this.#last = undefined;
  }

  /** Forgets all; returns how many bytes had not been sent. */
  clear(): number {
    let bytes = 0;
    for (let piece = this.first; piece !== undefined; piece = piece.next)
      bytes += piece.bytes.length - piece.sent;
    this.first = undefined;
    this.#last = undefined;
    return bytes;
  }
}
