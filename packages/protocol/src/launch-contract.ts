// What a host and the bootstrap of a child process agree on before a byte is exchanged.

/** Descriptor of the child's end of the lane. Carries the boot frame, the boot report and then the lane. */
export const LANE_FD = 3;

/** Descriptor whose end means that the host is gone: a child that cannot hear the lane's end is killed by it. */
export const GUARD_FD = 4;

/** How a bootstrapped child process ends by itself. Numbers are part of the contract; Node's own are avoided. */
export const EXIT = {
  /** Stopped as asked. */
  stopped: 0,
  /** Started by hand, not by a host: the descriptors are not there. */
  noHost: 80,
  /** What came through the pipe was not a boot frame. */
  bootFrame: 81,
  /** The plugin file could not be imported or is not a plugin. The boot report says why. */
  entry: 82,
  /** The session could not be begun or broke. */
  session: 83,
  /** The host is gone. */
  hostGone: 84,
  /** The plugin did not end in time after it was asked to. */
  stopTimeout: 85,
} as const;

/** What each number of {@link EXIT} means, for people. */
const meanings: ReadonlyMap<number, string> = new Map([
  [EXIT.stopped, "stopped as asked"],
  [EXIT.noHost, "was not started by a host"],
  [EXIT.bootFrame, "did not understand what the host sent at its start"],
  [EXIT.entry, "could not load the plugin file"],
  [EXIT.session, "could not begin or keep its session with the host"],
  [EXIT.hostGone, "found the host gone"],
  [EXIT.stopTimeout, "did not end in time after it was asked to"],
]);

/** How a process ended, in words that follow its name: `ended with code 82: could not load the plugin file`. */
export function describeExit(code: number | null, signal: string | null): string {
  if (signal !== null) return `was ended by ${signal}`;
  if (code === null) return "ended";
  const meaning = meanings.get(code);
  return meaning === undefined ? `ended with code ${code}` : `ended with code ${code}: ${meaning}`;
}

/** Under which both sides derive (HKDF-SHA-256, no salt, 32 bytes) the key of the handshake's MACs from the launch secret. */
export const LAUNCH_KEY_LABEL = "connectplugin.v1 launch secret";
