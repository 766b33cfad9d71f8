import { defaultSettings, PIECE_OVERHEAD } from "@connect-plugin/protocol";

/** What a lane takes from its peer, and what it keeps for it. All are bounds of memory or work. */
export interface LaneLimits {
  /** Bytes of a message as it travels, either way. Default 16 MiB. */
  readonly maxMessage: number;
  /** Bytes of the names and values of a header or trailer, either way. Default 16 KiB, at most 32 KiB. */
  readonly maxMetadata: number;
  /** Calls that the peer may have open at a time. Default 2,048. */
  readonly maxCalls: number;
  /** Calls of this side that wait until the peer can take them. Default 16,384; more fail with TOO_MANY_CALLS. */
  readonly maxWaiting: number;
  /** Bytes that may be under way to this side in a call that has just begun. Default 16 KiB. */
  readonly initialWindow: number;
  /** The same in a call whose reader keeps up, at most. Default 1 MiB. */
  readonly maxWindow: number;
  /**
   * Bytes that may be under way to this side in all calls together, and that may wait here to be sent before new
   * calls are refused. Must cover `maxCalls` windows of `initialWindow`. Default 64 MiB.
   */
  readonly memory: number;
  /** Calls of the peer that it may cancel in a burst. Default 4,096; each call that is not cancelled makes up for one. */
  readonly maxCancels: number;
}

const MEBIBYTE = 1_048_576;

export const defaultLaneLimits: LaneLimits = {
  maxMessage: defaultSettings.maxMessage,
  maxMetadata: defaultSettings.maxMetadata,
  maxCalls: defaultSettings.maxCalls,
  maxWaiting: 16_384,
  initialWindow: defaultSettings.initialWindow,
  maxWindow: MEBIBYTE,
  memory: 64 * MEBIBYTE,
  maxCancels: 4_096,
};

/** What a HEAD has room for. */
export const MAX_METADATA = 32_768;

/** A window that could not take one byte would never move. */
const MIN_WINDOW = 2 * PIECE_OVERHEAD;

const MAX_WINDOW = 0x7fff_ffff;

/** Throws a `RangeError` that names what is out of range. */
export function checkLimits(given: Partial<LaneLimits>): LaneLimits {
  const limits = { ...defaultLaneLimits, ...given };
  checkRange("maxMessage", limits.maxMessage, 1);
  checkRange("maxMetadata", limits.maxMetadata, 0, MAX_METADATA);
  checkRange("maxCalls", limits.maxCalls, 1);
  checkRange("maxWaiting", limits.maxWaiting, 0);
  checkRange("initialWindow", limits.initialWindow, MIN_WINDOW, MAX_WINDOW);
  checkRange("maxWindow", limits.maxWindow, limits.initialWindow, MAX_WINDOW);
  checkRange("memory", limits.memory, limits.maxCalls * limits.initialWindow);
  checkRange("maxCancels", limits.maxCancels, 0);
  return limits;
}

function checkRange(
  name: keyof LaneLimits,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const reason = name === "memory" ? " (maxCalls times initialWindow)" : "";
  throw new RangeError(
    `limits.${name} must be a whole number from ${least}${reason} to ${most}, but is ${value}`,
  );
}
