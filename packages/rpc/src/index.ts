export type {
  CallContext,
  DeliveredCall,
  Implementation,
  MethodImplementation,
  ParentCall,
} from "./call-context.js";
export { Cancellation } from "./cancellation.js";
export { failureError, failureInfo, toConnectError, toFailure } from "./connect-failure.js";
export { createInProcessConnection } from "./in-process.js";
export { type MessageCodec, protobufCodec } from "./message-codec.js";
export type { CallObservation, CallOutcome, Observe } from "./observation.js";
export {
  createServiceClient,
  type ServiceCallOptions,
  type ServiceClient,
  type ServiceClientOptions,
} from "./service-client.js";
export { createServiceEnd, type ServedService, type ServiceEnd, type ServiceEndOptions } from "./service-end.js";
export { createServiceSwitch, refuseCalls } from "./service-switch.js";
export { type ConnectionTransportOptions, createConnectionTransport } from "./transport.js";
