import type { CallFailure, CallHandler, Connection, LaneSide, Pipe } from "@connect-plugin/protocol";
import type { MessageCodec } from "../message-codec.js";
import type { LaneLimits } from "./lane-limits.js";
import { LaneMux } from "./lane-mux.js";

export interface LaneOptions {
  /** Which end this is: the host opens calls with even ids, the plugin with odd ones. */
  readonly side: LaneSide;
  /** Takes the calls that the peer makes. */
  readonly handler: CallHandler;
  /** What the peer is called in messages, such as `plugin kv`. Default: `the host` or `the plugin`. */
  readonly peerName?: string;
  /** Encodes messages that are given unencoded. Default: `compiledCodec`. */
  readonly codec?: Pick<MessageCodec, "encode">;
  readonly limits?: Partial<LaneLimits>;
}

/** What is going on in a lane right now, and what went over it. */
export interface LaneStats {
  /** Calls of this side that the peer knows of. */
  readonly outgoing: number;
  /** Calls of the peer. */
  readonly incoming: number;
  /** Calls of this side that wait until the peer can take them. */
  readonly waiting: number;
  /** Bytes of messages that wait here to be sent. */
  readonly queuedBytes: number;
  /** What the windows of fast readers have grown by. */
  readonly grownBytes: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** Calls both ways over one pipe. */
export interface Lane extends Connection {
  readonly stats: LaneStats;
  /**
   * Takes no more calls of the peer; those in flight go on, and this side may go on calling. The peer's further calls
   * fail with this failure, marked as not delivered. Idempotent.
   */
  goAway(failure: CallFailure): void;
  /** Settles as soon as no call is in flight or waits, either way. */
  idle(): Promise<void>;
  /** Milliseconds to the peer and back. Rejects with a `ConnectError` if the connection ends before. */
  ping(): Promise<number>;
}

/**
 * Speaks the lane over a pipe: docs/reference/lane.md. Calls may be made at once; they are sent when the peer has said
 * what it takes. At its end the lane ends the pipe, and leaves it to the pipe's owner to destroy it if the peer does not
 * end its own side.
 *
 * @throws RangeError if a limit is out of range
 */
export function createLane(pipe: Pipe, options: LaneOptions): Lane {
  return new LaneMux(pipe, options);
}
