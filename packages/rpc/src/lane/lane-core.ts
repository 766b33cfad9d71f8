import type { LaneSettings, LaneSide } from "@connect-plugin/protocol";
import type { MessageCodec } from "../message-codec.js";
import type { Batch } from "./batch.js";
import type { WindowPool } from "./flow-window.js";
import type { LaneLimits } from "./lane-limits.js";
import type { LaneStream } from "./lane-stream.js";
import type { PieceStore } from "./piece-store.js";

/** What the calls of a lane share. */
export interface LaneCore {
  readonly side: LaneSide;
  /** What the peer is called in messages. */
  readonly peerName: string;
  readonly batch: Batch;
  readonly codec: Pick<MessageCodec, "encode">;
  readonly limits: LaneLimits;
  /** What the peer asked for; known before any call is open. */
  readonly peer: LaneSettings;
  readonly windows: WindowPool;
  readonly store: PieceStore;
  /** Bytes of pieces that wait to be sent, of all calls. */
  queuedBytes: number;
  /** Whether nothing waits to be sent: then a frame may be written out of turn. */
  readonly isClear: boolean;
  /** The call has something to send that had to wait. */
  schedule(stream: LaneStream): void;
  /** The call is over. */
  forget(stream: LaneStream): void;
}
