/** How long an instance may take for each part of its life, in milliseconds. */
export interface DeadlineOptions {
  /** From the start of the carrier to a loaded plugin file. Default 10,000. */
  readonly launchMs?: number | undefined;
  /** From there to an accepted handshake. Default 5,000. */
  readonly handshakeMs?: number | undefined;
  /** From the host's word to an open plugin: for its `start()`. Default 30,000. */
  readonly startMs?: number | undefined;
  /** For calls in flight, once it gets no new ones. Default 10,000. */
  readonly drainMs?: number | undefined;
  /** From being asked to end to having ended: for its `stop()`. Default 5,000. */
  readonly stopMs?: number | undefined;
  /** From SIGTERM to SIGKILL. Default 2,000. */
  readonly terminateMs?: number | undefined;
  /** From SIGKILL to being given up as leaked. Default 2,000. */
  readonly killMs?: number | undefined;
}

/** What has a deadline. */
export type Phase = "launch" | "handshake" | "start" | "drain" | "stop" | "terminate" | "kill";

/** All deadlines, in milliseconds. */
export type InstanceDeadlines = Readonly<Record<Phase, number>>;

const defaults: InstanceDeadlines = {
  launch: 10_000,
  handshake: 5_000,
  start: 30_000,
  drain: 10_000,
  stop: 5_000,
  terminate: 2_000,
  kill: 2_000,
};

/** Longer timers end at once. */
const LONGEST_MS = 2_147_483_647;

/**
 * Fills in the defaults.
 *
 * @throws TypeError for a deadline that there is not, RangeError for one that is no time
 */
export function checkDeadlines(given: DeadlineOptions = {}): InstanceDeadlines {
  const checked: Record<Phase, number> = { ...defaults };
  const names = new Map(Object.keys(defaults).map((phase) => [`${phase}Ms`, phase as Phase]));
  for (const [name, value] of Object.entries(given)) {
    const phase = names.get(name);
    if (phase === undefined) {
      throw new TypeError(
        `deadlines.${name}: there is no such deadline, but ${[...names.keys()].join(", ")}`,
      );
    }
    if (value === undefined) continue;
    if (typeof value !== "number" || !(value > 0 && value <= LONGEST_MS)) {
      throw new RangeError(
        `deadlines.${name}: wanted milliseconds above 0 and up to ${LONGEST_MS}, got ${String(value)}`,
      );
    }
    checked[phase] = value;
  }
  return checked;
}
