// For those who run plugins.

// What callers meet.
export type { Caller, FailureInfo, Reason } from "@connect-plugin/protocol";
export {
  type CallObservation,
  type CallOutcome,
  failureInfo,
  type Observe,
  type ServiceCallOptions,
  type ServiceClient,
} from "@connect-plugin/rpc";
export { Code, ConnectError } from "@connectrpc/connect";
// For whoever governs a running host.
export { connectOperator } from "./admin/operator-socket.js";
export type { PluginSummary } from "./admin/plugin-summary.js";
// What plugins may do, and what they are lent.
export type { Action, Authorize, Decision } from "./auth/decision.js";
export type { Principal } from "./auth/principal.js";
// What lets applications in.
export {
  type CreatedToken,
  type NewToken,
  openTokenFile,
  type TokenFile,
  type TokenFileOptions,
} from "./auth/token-file.js";
export type { TokenRecord } from "./auth/token-record.js";
export type { Capability } from "./broker/capability.js";
export type { Provider, Providers } from "./client/providers.js";
export { type DoorAddress, type DoorOptions, TOKENS_FILE } from "./door-options.js";
// What happens in a host.
export type { CallDistance, HealthReport, HostEvent, InstanceExit, LogLevel } from "./event.js";
export { describeEvent, type EventText } from "./event-text.js";
export { createHost } from "./host.js";
export type { DoorHandler, Host, HostClientOptions, HostEachOptions, HostStatus } from "./host-api.js";
export type { HostReport, StopReport } from "./host-life.js";
export type { HostLogger } from "./host-log.js";
export type {
  HostLimits,
  HostOptions,
  OperatorOptions,
  PluginExpectation,
  PluginSpec,
} from "./host-options.js";
// How far away a plugin runs.
export { type ChildProcessOptions, childProcess } from "./launcher/child-process.js";
export { type InProcessOptions, type InProcessSource, inProcess } from "./launcher/in-process.js";
// For who writes a launcher.
export type { Launch } from "./launcher/launch.js";
export type { Launched, Launcher, LaunchRequest } from "./launcher/launcher.js";
export { type WorkerOptions, worker } from "./launcher/worker.js";
export type { ProviderRecord } from "./registry/record.js";
export type { Strategy } from "./registry/strategy.js";
export type { EdgeSnapshot } from "./router/traffic.js";
export type { CorsOptions } from "./server/cors.js";
export type { DeprecatedVersion } from "./session/handshake.js";
export type { DeadlineOptions } from "./supervisor/deadlines.js";
export type { InstanceState, InstanceStateName } from "./supervisor/instance-state.js";
export type { Transition } from "./supervisor/plugin-state.js";
export type { PluginStatusName } from "./supervisor/plugin-status.js";
export type { PluginReport } from "./supervisor/supervisor.js";
