import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { CallFailure } from "./failure.js";

/**
 * The seam between "which plugin" and "how it is reached": what one call looks like to whoever carries it.
 *
 * Everything that can take a call (a lane, an in-process plugin, the router, a plugin's own services) is a
 * {@link CallHandler}. The two sinks of a call are plain objects whose methods are called synchronously and in
 * order, so a router can hand the sinks of one connection straight to another and stay out of the way.
 * Plugins bring their own copy of the SDK, so nothing here may depend on class identity.
 */

/** How many messages go each way. */
export type MethodKind = "unary" | "server_streaming" | "client_streaming" | "bidi_streaming";

/** How the bytes of every message of a call are encoded, both ways. Carriers never transcode. */
export type Codec = "proto" | "json";

/** Header or trailer fields. Names are lower case; names ending in `-bin` hold unpadded base64. */
export type Metadata = readonly (readonly [name: string, value: string])[];

/** Who makes a call, as the host proved it. Told to handlers as `call.caller`; it is not a credential. */
export interface Caller {
  readonly kind: "plugin" | "host" | "operator" | "external";
  /** The plugin name from the operator's spec, or the name of the host, operator or application. */
  readonly name: string;
  readonly runtimeId: string;
  readonly claims: Readonly<Record<string, string>>;
}

/**
 * The callers behind a call, nearest first. Nodes are shared between calls, so identity may be used for interning.
 */
export interface CallChain {
  readonly caller: Caller;
  readonly behind: CallChain | undefined;
  /** 1 for a chain of one caller. */
  readonly depth: number;
}

/** What is known of a call before its first message. */
export interface CallHead {
  /** Fully qualified Protobuf name of the service, such as `kv.v1.KvService`. */
  readonly service: string;
  /** Protobuf name of the method, such as `Get`. */
  readonly method: string;
  /** `unknown` where the caller's protocol does not say (gRPC); the router fills it in from the manifest. */
  readonly kind: MethodKind | "unknown";
  readonly codec: Codec;
  /** Whether the caller can read gzip-compressed messages. */
  readonly acceptGzip: boolean;
  readonly header: Metadata;
  /** On this process's `performance.now()` clock, in ms; `Infinity` for none. Wires carry what remains of it. */
  readonly deadline: number;
  /** From a caller: the id of the call, in flight to this caller, that this one is made for. */
  readonly parent: number | undefined;
  /** From a caller: the plugin it chose, where it cares which one answers. */
  readonly target: string | undefined;
  /** From a caller: id of the capability grant under which the call is made. */
  readonly grant: string | undefined;
  /** To a provider: the host's id of this call, to be named as `parent` of calls made for it. */
  readonly id: number | undefined;
  /** To a provider: who calls, and for whom. */
  readonly chain: CallChain | undefined;
}

/**
 * Part of a message, or a whole one. Carriers pass pieces on unread.
 *
 * `bytes` may point into a buffer that is reused: they are valid only until the method that was given the piece
 * returns. Who keeps them, copies them: {@link keepPiece}.
 */
export type Piece = BytesPiece | TypedPiece;

export interface BytesPiece {
  readonly form: "bytes";
  readonly bytes: Uint8Array;
  /** True if the message goes on in the next piece. */
  readonly more: boolean;
  /** Whether the whole message is compressed with gzip. The same for every piece of a message. */
  readonly gzip: boolean;
}

/** A whole message that has not been encoded: both ends are in one process, or the carrier is to encode it. */
export interface TypedPiece {
  readonly form: "message";
  readonly desc: DescMessage;
  readonly message: Message;
}

/** Bytes of pieces that a sender may give before it hears of credit. */
export const INITIAL_CREDIT = 65_536;

/** What an unencoded message counts for in credit, its size being unknown. */
export const TYPED_PIECE_COST = 1_024;

/** What every piece of bytes counts for in credit beside its bytes: who holds empty messages, holds memory too. */
export const PIECE_OVERHEAD = 64;

/** What a piece takes of its sender's credit. */
export function pieceCost(piece: Piece): number {
  return piece.form === "bytes" ? piece.bytes.byteLength + PIECE_OVERHEAD : TYPED_PIECE_COST;
}

/** A piece that stays as it is: bytes are only lent until the method that was given them returns. */
export function keepPiece(piece: Piece): Piece {
  // Not `slice`: that of Node's Buffer does not copy.
  return piece.form === "bytes" ? { ...piece, bytes: new Uint8Array(piece.bytes) } : piece;
}

/**
 * The callee's end of a call, as the caller holds it.
 *
 * Exactly one of these ends a call: `cancel` here or `end` of the {@link ResponseSink}. Whatever arrives at either
 * sink after that is ignored, so nobody has to win a race.
 */
export interface RequestSink {
  /**
   * One piece of a request message. With `last`, no further message follows (`last` counts only on the final piece
   * of a message). A sender stops while its credit is used up; the piece that uses it up may be larger than the rest
   * of the credit.
   */
  message(piece: Piece, last: boolean): void;
  /** No further message follows. Not called after a message that was `last`. */
  end(): void;
  /** The caller is no longer interested: aborted, past its deadline, or gone. */
  cancel(failure: CallFailure): void;
  /**
   * The caller has taken pieces that cost so much (`pieceCost`); so much more may be sent. Told at once for what was
   * taken: who receives from a wire gathers there, and its window may be small.
   */
  credit(bytes: number): void;
}

/** The caller's end of a call, as the callee holds it. */
export interface ResponseSink {
  /** At most once and before the first message. Left out where there is none. */
  header(header: Metadata): void;
  message(piece: Piece): void;
  /** The call is over: well, or with a failure. Exactly once unless the caller cancelled. */
  end(trailer: Metadata, failure: CallFailure | undefined): void;
  /** The callee has taken pieces that cost so much; as for {@link RequestSink.credit}. */
  credit(bytes: number): void;
}

/** Anything that takes calls. */
export interface CallHandler {
  /**
   * Begins a call. Never throws: what is wrong is said by `responses.end`, which may happen before this returns.
   */
  start(head: CallHead, responses: ResponseSink): RequestSink;
}

/** Why a connection is no more. */
export interface ConnectionEnd {
  /** `closed`: one side said so. `lost`: it broke, or the peer broke the rules. */
  readonly how: "closed" | "lost";
  readonly failure: CallFailure;
}

/** A way to a peer that takes calls. Calls started after its end fail with a failure marked `notDelivered`. */
export interface Connection extends CallHandler {
  /** Settles once, never rejects. */
  readonly closed: Promise<ConnectionEnd>;
  /** Ends it now: calls in flight fail on both sides with this failure. Idempotent. */
  close(failure: CallFailure): void;
}
