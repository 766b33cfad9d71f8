/** The rules of the lane that a peer can break, as docs/reference/lane.md explains them. Facts of LANE_PROTOCOL failures. */
export const laneRules = [
  "preface",
  "settings",
  "frame-length",
  "frame-id",
  "frame-content",
  "reference",
  "id-order",
  "unknown-call",
  "call-order",
  "credit",
  "too-many-calls",
  "too-many-cancels",
] as const;

export type LaneRule = (typeof laneRules)[number];

/** The peer broke a rule. Both sides would misunderstand each other from here on, so the connection ends. */
export class LaneProtocolError extends Error {
  override readonly name = "LaneProtocolError";
  readonly rule: LaneRule;

  /** The message says what was expected and what came instead. */
  constructor(rule: LaneRule, message: string) {
    super(message);
    this.rule = rule;
  }
}
