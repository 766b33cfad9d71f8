/** How long an instance may take for each part of its life, in milliseconds. */
export interface InstanceDeadlines {
  /** From the start of the carrier to a loaded plugin file. Default 10,000. */
  readonly launch: number;
  /** From there to an accepted handshake. Default 5,000. */
  readonly handshake: number;
  /** From the host's word to an open plugin. Default 30,000. */
  readonly start: number;
  /** For calls in flight, once it gets no new ones. Default 10,000. */
  readonly drain: number;
  /** From being asked to end to having ended. Default 5,000. */
  readonly stop: number;
  /** From SIGTERM to SIGKILL. Default 2,000. */
  readonly terminate: number;
  /** From SIGKILL to being given up as leaked. Default 2,000. */
  readonly kill: number;
}

export type Phase = keyof InstanceDeadlines;

export const defaultDeadlines: InstanceDeadlines = {
  launch: 10_000,
  handshake: 5_000,
  start: 30_000,
  drain: 10_000,
  stop: 5_000,
  terminate: 2_000,
  kill: 2_000,
};

const longestTimer = 2_147_483_647;

/** Fills in the defaults. Throws a RangeError that names the deadline and what was given. */
export function checkDeadlines(given: Partial<InstanceDeadlines> = {}): InstanceDeadlines {
  const checked = { ...defaultDeadlines };
  for (const [phase, value] of Object.entries(given)) {
    if (!Object.hasOwn(defaultDeadlines, phase)) {
      throw new TypeError(
        `deadlines.${phase}: no such deadline; there are ${Object.keys(defaultDeadlines).join(", ")}`,
      );
    }
    if (value === undefined) continue;
    if (!Number.isFinite(value) || value <= 0 || value > longestTimer) {
      throw new RangeError(
        `deadlines.${phase}: wanted milliseconds from 1 to ${longestTimer}, got ${String(value)}`,
      );
    }
    checked[phase as Phase] = value;
  }
  return checked;
}
