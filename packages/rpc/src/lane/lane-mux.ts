import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  type ConnectionEnd,
  defaultSettings,
  FrameDecoder,
  type FrameVisitor,
  LaneProtocolError,
  type LaneSettings,
  type LaneSide,
  type Metadata,
  openerOf,
  otherSide,
  type Pipe,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { toConnectError } from "../connect-failure.js";
import { type MessageCodec, protobufCodec } from "../message-codec.js";
import { ignoredRequests } from "../service-switch.js";
import { Batch } from "./batch.js";
import { CallIds, isLater } from "./call-ids.js";
import { CancelAllowance } from "./cancel-allowance.js";
import type { WindowPool } from "./flow-window.js";
import { FrameReader } from "./frame-reader.js";
import { IncomingStream } from "./incoming-stream.js";
import type { Lane, LaneOptions, LaneStats } from "./lane.js";
import type { LaneCore } from "./lane-core.js";
import { lost, ruleBroken, tooManyCalls, undelivered } from "./lane-failure.js";
import { checkLimits, type LaneLimits } from "./lane-limits.js";
import type { LaneStream } from "./lane-stream.js";
import { OutgoingStream } from "./outgoing-stream.js";
import { PingBoard } from "./ping-board.js";
import { StreamList } from "./stream-list.js";
import { StreamTable } from "./stream-table.js";

/** `opening`: the peer has not said yet what it takes. */
type State =
  | { readonly phase: "opening" | "open" }
  /** The peer takes no further calls. */
  | { readonly phase: "leaving"; readonly failure: CallFailure }
  | { readonly phase: "closed"; readonly failure: CallFailure };
