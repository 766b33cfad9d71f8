/** What the door takes of one request. */
export interface DoorLimits {
  /** Of a message, as it travels. Default 16 MiB. */
  readonly messageBytes: number;
  /** Names and values of a request's header, and its target. Default 16 KiB. */
  readonly headerBytes: number;
  /**
   * How long a message may make no progress worth speaking of, in ms, once it has begun: 64 KiB or all of it.
   * Default 30,000.
   */
  readonly bodyMs: number;
}

const DEFAULTS: DoorLimits = { messageBytes: 16_777_216, headerBytes: 16_384, bodyMs: 30_000 };

/** Throws a RangeError for what is no limit. */
export function checkDoorLimits(given: Partial<DoorLimits> = {}): DoorLimits {
  const limits = { ...DEFAULTS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`limits.${name}: wanted a whole number from 1, got ${value}`);
    }
  }
  return limits;
}
