/** What the sockets of the door take. */
export interface ListenerLimits {
  /** How long a connection may take to its first request, and a request to the end of its header, in ms. Default 15,000. */
  readonly headerMs: number;
  /** How long a connection may wait for its next request, in ms. Default 100,000: Go's clients keep theirs for 90 s. */
  readonly keepAliveMs: number;
  /** Of a request's header: beyond, it is answered in its protocol; beyond twice, the connection ends. Default 16 KiB. */
  readonly headerBytes: number;
  /** Calls at once over one connection of HTTP/2. Default 1,000. */
  readonly streams: number;
  /** How much of each stream's request HTTP/2 takes before its handler does. Default 256 KiB. */
  readonly windowBytes: number;
  /** Connections at once. Default 20,000. */
  readonly connections: number;
}

const DEFAULTS: ListenerLimits = {
  headerMs: 15_000,
  keepAliveMs: 100_000,
  headerBytes: 16_384,
  streams: 1_000,
  windowBytes: 262_144,
  connections: 20_000,
};

/** Throws a RangeError for what is no limit. */
export function checkListenerLimits(given: Partial<ListenerLimits> = {}): ListenerLimits {
  const limits = { ...DEFAULTS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`limits.${name}: wanted a whole number from 1, got ${value}`);
    }
  }
  return limits;
}
