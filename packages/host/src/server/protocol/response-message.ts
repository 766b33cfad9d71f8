import {
  type BytesPiece,
  type CallFailure,
  type Codec,
  createFailure,
  type TypedPiece,
} from "@connect-plugin/protocol";
import type { MessageCodec } from "@connect-plugin/rpc";
import { invalidResponse } from "./door-call.js";

/** A message that came in pieces, and now is whole. */
export interface WholeMessage {
  readonly bytes: Uint8Array;
  readonly gzip: boolean;
  /** Whether the bytes stay as they are. */
  readonly owned: boolean;
}

/** What became of a piece. */
export type Gathered =
  | { readonly kind: "whole"; readonly message: WholeMessage }
  | { readonly kind: "part" }
  | { readonly kind: "failure"; readonly failure: CallFailure };

const PART: Gathered = { kind: "part" };

/** Puts the messages of a response together, where their whole length has to be known before their first byte. */
export class ResponseGatherer {
  private readonly codec: Codec;
  private readonly messages: MessageCodec;
  private readonly limit: number;
  private readonly acceptGzip: boolean;
  private parts: Buffer[] | undefined = undefined;
  private size = 0;

  constructor(codec: Codec, messages: MessageCodec, limit: number, acceptGzip: boolean) {
    this.codec = codec;
    this.messages = messages;
    this.limit = limit;
    this.acceptGzip = acceptGzip;
  }

  /** Whether a message has begun and is not complete. */
  get inside(): boolean {
    return this.parts !== undefined;
  }

  typed(piece: TypedPiece): Gathered {
    if (this.inside) return failed("a message begins in the middle of another");
    try {
      const bytes = this.messages.encode(piece.desc, piece.message, this.codec);
      return { kind: "whole", message: { bytes, gzip: false, owned: true } };
    } catch {
      // What the encoder says may quote the message.
      return failed(`its ${piece.desc.typeName} cannot be encoded as ${this.codec}`);
    }
  }

  bytes(piece: BytesPiece): Gathered {
    if (piece.gzip && !this.acceptGzip) return failed("it is compressed, which its caller cannot read");
    this.size += piece.bytes.byteLength;
    if (this.size > this.limit) return { kind: "failure", failure: tooLarge(this.limit, this.size) };
    const { parts } = this;
    if (parts === undefined && !piece.more) {
      this.size = 0;
      return { kind: "whole", message: { bytes: piece.bytes, gzip: piece.gzip, owned: false } };
    }
    const copy = Buffer.from(piece.bytes);
    if (piece.more) {
      if (parts === undefined) this.parts = [copy];
      else parts.push(copy);
      return PART;
    }
    parts?.push(copy);
    const bytes = Buffer.concat(parts ?? [copy], this.size);
    this.parts = undefined;
    this.size = 0;
    return { kind: "whole", message: { bytes, gzip: piece.gzip, owned: true } };
  }
}

function failed(found: string): Gathered {
  return { kind: "failure", failure: invalidResponse(found) };
}

function tooLarge(limit: number, size: number): CallFailure {
  return createFailure(
    "MESSAGE_TOO_LARGE",
    `A response message may have ${limit} bytes; this one has at least ${size}. Send less at a time (a stream, say), or raise the limit.`,
    { fault: "plugin", facts: { limit: String(limit) } },
  );
}
