// Types of the seam: what a call, a connection and a failure look like to whoever carries them.

export {
  type BytesPiece,
  type CallChain,
  type Caller,
  type CallHandler,
  type CallHead,
  type Codec,
  type Connection,
  type ConnectionEnd,
  INITIAL_CREDIT,
  keepPiece,
  type Metadata,
  type MethodKind,
  PIECE_OVERHEAD,
  type Piece,
  pieceCost,
  type RequestSink,
  type ResponseSink,
  TYPED_PIECE_COST,
  type TypedPiece,
} from "./call.js";
export { decodeFailureInfo, encodeFailureInfo, joinDetails, splitDetails } from "./error-info.js";
export {
  type CallFailure,
  createFailure,
  FAILURE_DOMAIN,
  type FailureDetail,
  type FailureInfo,
  type FailureOptions,
} from "./failure.js";
export type { Pipe, PipeReceiver } from "./pipe.js";
export { allReasons, Codes, type Fault, isReason, type Reason, reasonInfo } from "./reason.js";

// For plugins: what one says of itself, and how it is found and started.

export type { Arity, Manifest, MethodInfo, OfferedService, RequiredService } from "./manifest.js";
export {
  createRuntimeId,
  endpointPathProblem,
  headerNameProblem,
  headerValueProblem,
  keyProblem,
  metadataKeyProblem,
  metadataValueProblem,
  methodNameProblem,
  NAME_LIMITS,
  packageNameProblem,
  pluginNameProblem,
  runtimeIdProblem,
  selfIdProblem,
  serviceNameProblem,
  serviceTypeProblem,
} from "./names.js";
export {
  type Boot,
  type DirectLink,
  type Distance,
  ENTRY_ABI,
  type EntryHook,
  type LaunchCredential,
  type Link,
  type PipeLink,
  type PluginEntry,
  type PluginStopped,
  type RunningPlugin,
} from "./plugin-entry.js";
export { printable, printableBytes, quoted } from "./printable.js";
export {
  CORE_VERSIONS,
  isAtLeast,
  isRange,
  isVersion,
  negotiateVersion,
  noCommonVersion,
  satisfies,
  spokenVersions,
  VERSION_LIMITS,
} from "./version.js";

// For hosts and for sessions: the launch contract and the handshake.

export {
  BOOT_FRAME_LIMIT,
  type BootFrame,
  type BootFrameReader,
  type BootRead,
  createBootFrameReader,
  encodeBootFrame,
} from "./boot-frame.js";
export { type BootReport, type BootReportCheck, checkBootReport } from "./boot-report.js";
export { checkCookie, DEFAULT_COOKIE, type MagicCookie, resolveCookie } from "./cookie.js";
export { describeValue } from "./describe-value.js";
export { checkEntry, type EntryCheck } from "./entry-check.js";
export {
  checkHandshakeRequest,
  checkHandshakeResponse,
  HANDSHAKE_LIMITS,
  type HandshakeLimits,
} from "./handshake-limits.js";
export { type HealthStateName, healthStateFromWire, healthStateToWire } from "./health-wire.js";
export { describeExit, EXIT, GUARD_FD, LANE_FD, LAUNCH_KEY_LABEL } from "./launch-contract.js";
export { checkManifest, MANIFEST_LIMITS, type ManifestCheck } from "./manifest-check.js";
export {
  type HandshakeManifest,
  manifestFromHandshake,
  manifestToHandshake,
  methodKindFromWire,
  methodToWire,
  offeredServiceToWire,
  requiredServiceToWire,
} from "./manifest-wire.js";
export {
  endpointPathOf,
  normalizeEndpointPath,
  type ServiceOfPath,
  serviceOfEndpointPath,
} from "./service-alias.js";
export { clientTranscript, serverTranscript } from "./transcript.js";

// For carriers: the frames of the lane.

export { ByteReader, readU32 } from "./lane/byte-reader.js";
export { ByteWriter, type MakeRoom } from "./lane/byte-writer.js";
export { MAX_CHAIN_DEPTH } from "./lane/chain-block.js";
export {
  FrameFlag,
  FrameType,
  frameTypeName,
  HEADER_SIZE,
  ID_LIMIT,
  LANE_VERSION,
  type LaneSide,
  MAX_BLOCK,
  MAX_PAYLOAD,
  MAX_PIECE,
  openerOf,
  otherSide,
  PREFACE,
} from "./lane/frame.js";
export {
  checkPayload,
  FrameDecoder,
  type FrameDecoderOptions,
  type FrameVisitor,
} from "./lane/frame-decoder.js";
export { FrameEncoder } from "./lane/frame-encoder.js";
export { LaneProtocolError, type LaneRule, laneRules } from "./lane/lane-rule.js";
export { metadataSize } from "./lane/metadata-block.js";
export { defaultSettings, type LaneSettings, MAX_CREDIT } from "./lane/settings.js";

// Messages and services of the wire.

export {
  Logger,
  type LogRequest,
  LogRequestSchema,
  type LogResponse,
  LogResponseSchema,
} from "./gen/capability/logger/v1/logger_pb.js";
export {
  AdminService,
  type GetHostRequest,
  GetHostRequestSchema,
  type GetHostResponse,
  GetHostResponseSchema,
  type ListPluginsRequest,
  ListPluginsRequestSchema,
  type ListPluginsResponse,
  ListPluginsResponseSchema,
  type ListServicesRequest,
  ListServicesRequestSchema,
  type ListServicesResponse,
  ListServicesResponseSchema,
  type ListTrafficRequest,
  ListTrafficRequestSchema,
  type ListTrafficResponse,
  ListTrafficResponseSchema,
  type PluginError,
  PluginErrorSchema,
  type PluginStatus,
  PluginStatusSchema,
  type ProvidedService,
  ProvidedServiceSchema,
  type RestartPluginRequest,
  RestartPluginRequestSchema,
  type RestartPluginResponse,
  RestartPluginResponseSchema,
  type StopHostRequest,
  StopHostRequestSchema,
  type StopHostResponse,
  StopHostResponseSchema,
  type TrafficEdge,
  TrafficEdgeSchema,
  type WatchEventsRequest,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
  WatchEventsResponseSchema,
} from "./gen/connectplugin/admin/v1/admin_pb.js";
export {
  type HealthCheckRequest,
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthService,
  ServingStatus,
  ServingStatusSchema,
} from "./gen/connectplugin/health/v1/health_pb.js";
export {
  type DescribeRequest,
  DescribeRequestSchema,
  type DescribeResponse,
  DescribeResponseSchema,
  type DrainRequest,
  DrainRequestSchema,
  type DrainResponse,
  DrainResponseSchema,
  HostSessionService,
  PluginSessionService,
  type Provider,
  ProviderSchema,
  type StartRequest,
  StartRequestSchema,
  type StartResponse,
  StartResponseSchema,
  type WatchProvidersRequest,
  WatchProvidersRequestSchema,
  type WatchProvidersResponse,
  WatchProvidersResponseSchema,
} from "./gen/connectplugin/session/v1/session_pb.js";
export {
  CapabilityBroker,
  type CapabilityGrant,
  CapabilityGrantSchema,
  type RequestCapabilityRequest,
  RequestCapabilityRequestSchema,
  type RequestCapabilityResponse,
  RequestCapabilityResponseSchema,
} from "./gen/connectplugin/v1/broker_pb.js";
export {
  type Capability,
  CapabilitySchema,
  type Deprecation,
  DeprecationSchema,
  type HandshakeRequest,
  HandshakeRequestSchema,
  type HandshakeResponse,
  HandshakeResponseSchema,
  HandshakeService,
  type MethodInfo as MethodInfoMessage,
  type OfferedService as OfferedServiceMessage,
  type PluginInfo,
  PluginInfoSchema,
  type RequiredService as RequiredServiceMessage,
  type ServiceDeclaration,
  ServiceDeclarationSchema,
  type ServiceDependency,
  ServiceDependencySchema,
} from "./gen/connectplugin/v1/handshake_pb.js";
export {
  type GetHealthRequest,
  GetHealthRequestSchema,
  type GetHealthResponse,
  GetHealthResponseSchema,
  HealthState,
  HealthStateSchema,
  PluginControl,
  PluginLifecycle,
  type ReportHealthRequest,
  ReportHealthRequestSchema,
  type ReportHealthResponse,
  ReportHealthResponseSchema,
  type ShutdownRequest,
  ShutdownRequestSchema,
  type ShutdownResponse,
  ShutdownResponseSchema,
} from "./gen/connectplugin/v1/lifecycle_pb.js";
export {
  type GetPluginInfoRequest,
  GetPluginInfoRequestSchema,
  type GetPluginInfoResponse,
  GetPluginInfoResponseSchema,
  PluginIdentity,
  type SetRuntimeIdentityRequest,
  SetRuntimeIdentityRequestSchema,
  type SetRuntimeIdentityResponse,
  SetRuntimeIdentityResponseSchema,
} from "./gen/connectplugin/v1/plugininfo_pb.js";
export {
  type Cursor,
  CursorSchema,
  type DiscoverServiceRequest,
  DiscoverServiceRequestSchema,
  type DiscoverServiceResponse,
  DiscoverServiceResponseSchema,
  type RegisterServiceRequest,
  RegisterServiceRequestSchema,
  type RegisterServiceResponse,
  RegisterServiceResponseSchema,
  type ServiceEndpoint,
  ServiceEndpointSchema,
  ServiceRegistry,
  ServiceState,
  ServiceStateSchema,
  type UnregisterServiceRequest,
  UnregisterServiceRequestSchema,
  type UnregisterServiceResponse,
  UnregisterServiceResponseSchema,
  type WatchServiceEvent,
  WatchServiceEventSchema,
  type WatchServiceRequest,
  WatchServiceRequestSchema,
} from "./gen/connectplugin/v1/registry_pb.js";
export { type ErrorInfo, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
export {
  Health as GrpcHealth,
  HealthCheckResponse_ServingStatus as GrpcServingStatus,
} from "./gen/grpc/health/v1/health_pb.js";
export {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "./gen/grpc/reflection/v1/reflection_pb.js";
export { ServerReflection as ServerReflectionV1Alpha } from "./gen/grpc/reflection/v1alpha/reflection_pb.js";
