// For whoever writes a plugin.

// What handlers and callers meet.
export type { Caller, FailureInfo, Reason } from "@connect-plugin/protocol";
export {
  type CallContext,
  failureInfo,
  type Implementation,
  type ServiceCallOptions,
  type ServiceClient,
} from "@connect-plugin/rpc";
export { Code, ConnectError } from "@connectrpc/connect";
export { definePlugin } from "./define/define-plugin.js";
export {
  type CapabilityOptions,
  capability,
  each,
  type Need,
  type Needs,
  optional,
  requires,
} from "./define/need.js";
export { type Offer, type Offers, provides, type Version } from "./define/offer.js";
export type {
  LogFields,
  OptionalService,
  PluginContext,
  PluginHealth,
  PluginLog,
  PluginSelf,
  Provider,
  Providers,
  ResolvedNeed,
  ResolvedNeeds,
} from "./define/plugin-context.js";
export type {
  Implementations,
  PluginDefinition,
  PluginOptions,
  Started,
} from "./define/plugin-definition.js";
