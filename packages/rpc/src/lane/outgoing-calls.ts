import {
  type CallFailure,
  type CallHead,
  LaneProtocolError,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { FreshIds, isLater } from "./call-ids.js";
import type { LaneCore } from "./lane-core.js";
import { tooManyCalls, undelivered } from "./lane-failure.js";
import type { LaneStream } from "./lane-stream.js";
import { OutgoingStream } from "./outgoing-stream.js";
import { StreamList } from "./stream-list.js";
import { StreamTable } from "./stream-table.js";

/** Whether calls can be opened: `shut` until the peer has said what it takes, `refusing` for good. */
type Gate =
  | { readonly state: "shut" | "open" }
  | { readonly state: "refusing"; readonly failure: CallFailure };

/** The calls that this side makes: those that the peer knows of, and those that wait until it can take them. */
export class OutgoingCalls {
  readonly #core: LaneCore;
  readonly #ids: FreshIds;
  readonly #open = new StreamTable<OutgoingStream>();
  readonly #waiting = new StreamList<LaneStream>();
  readonly #waitingStreams: StreamList<LaneStream>;
  #gate: Gate = { state: "shut" };
}
