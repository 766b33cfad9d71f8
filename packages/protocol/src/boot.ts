// The door for what runs before a plugin does: a bootstrap in a child process or a worker. What is behind it loads in
// a few milliseconds, because every start of a plugin waits for it; the package's main door does not.
export {
  type BootFrame,
  type BootFrameReader,
  type BootRead,
  createBootFrameReader,
  encodeBootFrame,
} from "./boot-frame.js";
export type { BootReport } from "./boot-report.js";
export { type CallFailure, createFailure } from "./failure.js";
export { EXIT, GUARD_FD, LANE_FD } from "./launch-contract.js";
export type { Pipe, PipeReceiver } from "./pipe.js";
export {
  type Boot,
  ENTRY_ABI,
  type PluginEntry,
  type PluginStopped,
  type RunningPlugin,
} from "./plugin-entry.js";
