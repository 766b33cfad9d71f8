export type {
  CallContext,
  DeliveredCall,
  Implementation,
  MethodImplementation,
  ParentCall,
} from "./call-context.js";
export type { ServiceCallOptions } from "./call-setup.js";
export { Cancellation } from "./cancellation.js";
export type { CallerOptions } from "./client-method.js";
export { compiledCodec } from "./compiled-codec.js";
export { failureError, failureInfo, toConnectError, toFailure } from "./connect-failure.js";
export { createInProcessConnection } from "./in-process.js";
export { createLane, type Lane, type LaneOptions, type LaneStats } from "./lane/lane.js";
export { defaultLaneLimits, type LaneLimits } from "./lane/lane-limits.js";
export { type MessageCodec, protobufCodec } from "./message-codec.js";
export { type Inflate, MAX_MESSAGE_BYTES } from "./message-reader.js";
export { checkMetadata, type HeaderFields, MAX_METADATA_BYTES, toHeaders, toMetadata } from "./metadata.js";
export { type CallObservation, type CallOutcome, type Observe, observeCalls } from "./observation.js";
export { createServiceClient, type ServiceClient, type ServiceClientOptions } from "./service-client.js";
export {
  createServiceEnd,
  type ServedService,
  type ServiceEnd,
  type ServiceEndOptions,
} from "./service-end.js";
export { createServiceSwitch, ignoredRequests, refuseCalls } from "./service-switch.js";
export { createTimerWheel, deadlines, NOT_WAITING, type Timed, type TimerWheel } from "./timer-wheel.js";
export { createConnectionTransport } from "./transport.js";
