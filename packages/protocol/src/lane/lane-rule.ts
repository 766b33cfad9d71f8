/** The rules of the lane that a peer can break. Each is a row in docs/reference/lane.md, and a fact of the failure. */
export type LaneRule =
  /** What comes first is the preface, of a version that both sides speak. */
  | "preface"
  /** SETTINGS follow the preface, and come only once. */
  | "settings"
  /** No frame is longer than its type may be. */
  | "frame-length"
  /** Frames of the connection have id 0, frames of a call have the id of a call. */
  | "frame-id"
  /** What a frame holds is complete and means something. */
  | "frame-content"
  /** Only what has been defined is referred to. */
  | "reference"
  /** Calls that the host opens have even ids, those of the plugin odd ones. */
  | "id-parity"
  /** Ids of calls go up. */
  | "id-order"
  /** Frames are about calls that have been opened. */
  | "unknown-call"
  /** Head, messages and end of one direction of a call come in this order. */
  | "call-order"
  /** Nobody sends more than was credited. */
  | "credit"
  /** Nobody has more calls open than the other side takes. */
  | "too-many-calls"
  /** Nobody cancels calls by the thousand just after making them. */
  | "too-many-cancels";

/** The peer broke a rule. Both sides would misunderstand each other from here on, so the connection ends. */
export class LaneProtocolError extends Error {
  override readonly name = "LaneProtocolError";
  readonly rule: LaneRule;

  constructor(rule: LaneRule, message: string) {
    super(message);
    this.rule = rule;
  }
}
