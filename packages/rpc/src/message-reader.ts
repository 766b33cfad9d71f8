import type { DescMessage, Message } from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import {
  type BytesPiece,
  type Codec,
  createFailure,
  type Piece,
  type TypedPiece,
} from "@connect-plugin/protocol";
import { failureError, toConnectError } from "./connect-failure.js";
import type { MessageCodec } from "./message-codec.js";

/** Inflates gzip, giving no more than `limit` bytes: beyond, it throws a `RangeError`. */
export type Inflate = (bytes: Uint8Array, limit: number) => Uint8Array;

/** Default of the largest message that an end accepts. */
export const MAX_MESSAGE_BYTES = 16_777_216;

/** Throws a `RangeError` for what is no limit. */
export function checkMaxMessageBytes(value: number = MAX_MESSAGE_BYTES): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`maxMessageBytes must be a positive whole number of bytes, but is ${value}.`);
}

export interface ReadingOptions {
  readonly codec: MessageCodec;
  readonly inflate: Inflate | undefined;
  readonly maxMessageBytes: number;
  /** Whether an unencoded message is taken as it is, not copied. */
  readonly share: boolean;
}

/** The pieces so far of a message that is not complete. */
export interface MessageParts {
  readonly chunks: Uint8Array[];
  readonly gzip: boolean;
  size: number;
}

/**
 * Makes messages of one type out of pieces. Throws a `ConnectError` for what is wrong with them: the caller is to
 * blame for requests, the plugin for responses.
 */
export interface MessageReader {
  /** A message that is whole in one piece. */
  whole(piece: Piece, codec: Codec): Message;
  /** A piece of a message after which more of it comes. `parts` are what came before, if anything did. */
  part(parts: MessageParts | undefined, piece: BytesPiece): MessageParts;
  /** The piece that completes a message. */
  completed(parts: MessageParts, piece: Piece, codec: Codec): Message;
}

/** Most fields that a hint lists. */
const HINTED_FIELDS = 20;

/** Where JSON goes wrong, in names of the schema only: what the decoder says may quote the message. */
function jsonHint(desc: DescMessage, error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (isFieldError(cause)) return `: the value of the ${cause.field().toString()} does not fit`;
  const names = desc.fields.slice(0, HINTED_FIELDS).map((field) => field.jsonName);
  if (desc.fields.length > HINTED_FIELDS) names.push("…");
  return names.length === 0 ? ": it has no fields" : `: its fields are ${names.join(", ")}`;
}

export function createMessageReader(
  side: "request" | "response",
  desc: DescMessage,
  options: ReadingOptions,
): MessageReader {
  const { codec: messages, inflate, maxMessageBytes, share } = options;
  const fault = side === "request" ? "caller" : "plugin";
  const badMessage = side === "request" ? "MESSAGE_INVALID" : "RESPONSE_INVALID";

  function invalid(why: string) {
    return failureError(badMessage, `A ${side} ought to be a ${desc.typeName}, but ${why}.`, { fault });
  }

  function tooLarge(found: string) {
    return failureError(
      "MESSAGE_TOO_LARGE",
      `A ${side} message may have ${maxMessageBytes} bytes; this one has ${found}. Send less at a time (a stream, say), or raise the limit.`,
      { fault, facts: { limit: String(maxMessageBytes) } },
    );
  }

  function typed(piece: TypedPiece): Message {
    if (piece.desc === desc) return share ? piece.message : copy(piece.message);
    if (piece.desc.typeName !== desc.typeName) throw invalid(`it is a ${piece.desc.typeName}`);
    // Two versions of generated code in one process: only their bytes mean the same.
    return decode(messages.encode(piece.desc, piece.message, "proto"), "proto", true);
  }

  function copy(message: Message): Message {
    try {
      return messages.clone(desc, message);
    } catch {
      throw invalid("its fields do not have the types of its schema");
    }
  }

  function decode(bytes: Uint8Array, codec: Codec, owned: boolean): Message {
    try {
      return messages.decode(desc, bytes, codec, owned);
    } catch (error) {
      const hint = codec === "json" ? jsonHint(desc, error) : "";
      throw invalid(`its ${bytes.byteLength} bytes do not decode as ${codec}${hint}`);
    }
  }

  function inflated(bytes: Uint8Array): Uint8Array {
    if (inflate === undefined) {
      throw toConnectError(
        createFailure(
          "ENCODING_UNSUPPORTED",
          `A ${side} is compressed with gzip, which is not read here. Send it plain.`,
          {
            fault,
          },
        ),
      );
    }
    try {
      return inflate(bytes, maxMessageBytes);
    } catch (error) {
      throw error instanceof RangeError ? tooLarge("more when inflated") : invalid("its gzip data is broken");
    }
  }

  function part(parts: MessageParts | undefined, piece: BytesPiece): MessageParts {
    const size = (parts?.size ?? 0) + piece.bytes.byteLength;
    if (size > maxMessageBytes) throw tooLarge(`at least ${size}`);
    if (parts === undefined) return { chunks: [new Uint8Array(piece.bytes)], gzip: piece.gzip, size };
    if (parts.gzip !== piece.gzip) throw invalid("only a part of it is compressed");
    parts.chunks.push(new Uint8Array(piece.bytes));
    parts.size = size;
    return parts;
  }

  return {
    whole(piece, codec) {
      if (piece.form === "message") return typed(piece);
      if (piece.bytes.byteLength > maxMessageBytes) throw tooLarge(String(piece.bytes.byteLength));
      if (piece.gzip) return decode(inflated(piece.bytes), codec, true);
      return decode(piece.bytes, codec, false);
    },
    part,
    completed(parts, piece, codec) {
      if (piece.form === "message") throw invalid("another message begins in the middle of it");
      const { chunks, size } = part(parts, piece);
      const bytes = new Uint8Array(size);
      let at = 0;
      for (const chunk of chunks) {
        bytes.set(chunk, at);
        at += chunk.byteLength;
      }
      return decode(piece.gzip ? inflated(bytes) : bytes, codec, true);
    },
  };
}
