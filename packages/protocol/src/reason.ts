/** Whose doing a failure was. `application`: a handler's own answer. */
export type Fault = "host" | "plugin" | "caller" | "operator" | "application";

/** Connect codes by name, as numbers on the wire. */
export const Codes = {
  canceled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  aborted: 10,
  out_of_range: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
} as const;

interface ReasonInfo {
  readonly code: number;
  readonly fault: Fault;
}

function reason(code: keyof typeof Codes, fault: Fault): ReasonInfo {
  return { code: Codes[code], fault };
}

/**
 * Every reason, with its code and whose fault it usually is. Append-only: names are part of the wire and of what
 * users match on. Each has a paragraph in docs/reference/errors.md.
 */
const reasons = {
  // handshake and identity
  COOKIE_MISMATCH: reason("invalid_argument", "plugin"),
  CORE_VERSION_UNSUPPORTED: reason("invalid_argument", "plugin"),
  APP_VERSION_UNSUPPORTED: reason("failed_precondition", "plugin"),
  PLUGIN_NAME_INVALID: reason("invalid_argument", "plugin"),
  HANDSHAKE_INVALID: reason("invalid_argument", "plugin"),
  HANDSHAKE_REPLAYED: reason("unauthenticated", "plugin"),
  HANDSHAKE_REQUIRED: reason("unauthenticated", "caller"),
  CREDENTIAL_INVALID: reason("unauthenticated", "caller"),
  CREDENTIAL_MISSING: reason("unauthenticated", "caller"),
  CREDENTIAL_AMBIGUOUS: reason("unauthenticated", "caller"),
  CLAIMS_EXCEED_SPEC: reason("permission_denied", "plugin"),
  HOST_UNPROVEN: reason("unauthenticated", "host"),
  // launching and starting
  PLUGIN_FILE_MISSING: reason("not_found", "operator"),
  IMPORT_FAILED: reason("failed_precondition", "plugin"),
  NOT_A_PLUGIN: reason("failed_precondition", "plugin"),
  ENTRY_ABI_UNSUPPORTED: reason("failed_precondition", "plugin"),
  LAUNCH_FAILED: reason("unavailable", "host"),
  LAUNCH_TIMEOUT: reason("deadline_exceeded", "plugin"),
  EXITED_EARLY: reason("unavailable", "plugin"),
  CONFIG_INVALID: reason("invalid_argument", "operator"),
  START_FAILED: reason("failed_precondition", "plugin"),
  START_TIMEOUT: reason("deadline_exceeded", "plugin"),
  SERVICE_NOT_IMPLEMENTED: reason("failed_precondition", "plugin"),
  SERVICE_NOT_DECLARED: reason("failed_precondition", "plugin"),
  SERVICE_REGISTERED_TWICE: reason("already_exists", "plugin"),
  DEPENDENCY_CYCLE: reason("failed_precondition", "operator"),
  DEPENDENCY_MISSING: reason("failed_precondition", "operator"),
  DEPENDENCY_FAILED: reason("failed_precondition", "operator"),
  // calls
  NO_PROVIDER: reason("unavailable", "operator"),
  AMBIGUOUS_PROVIDER: reason("failed_precondition", "operator"),
  UNKNOWN_PLUGIN: reason("not_found", "caller"),
  UNKNOWN_METHOD: reason("unimplemented", "caller"),
  VERSION_NOT_PROVIDED: reason("failed_precondition", "operator"),
  NOT_REQUIRED: reason("permission_denied", "caller"),
  PROVIDER_STARTING: reason("unavailable", "plugin"),
  PROVIDER_GONE: reason("unavailable", "plugin"),
  PROVIDER_REPLACED: reason("unavailable", "host"),
  PROVIDER_STOPPED: reason("unavailable", "host"),
  PROVIDER_UNHEALTHY: reason("unavailable", "plugin"),
  PARENT_NOT_IN_FLIGHT: reason("permission_denied", "caller"),
  CALL_DEPTH_EXCEEDED: reason("resource_exhausted", "caller"),
  DEADLINE_EXCEEDED: reason("deadline_exceeded", "caller"),
  CANCELLED: reason("canceled", "caller"),
  MESSAGE_TOO_LARGE: reason("resource_exhausted", "caller"),
  METADATA_TOO_LARGE: reason("resource_exhausted", "caller"),
  METADATA_INVALID: reason("invalid_argument", "caller"),
  TOO_MANY_CALLS: reason("resource_exhausted", "caller"),
  MESSAGE_INVALID: reason("invalid_argument", "caller"),
  RESPONSE_INVALID: reason("internal", "plugin"),
  HANDLER_FAILED: reason("internal", "plugin"),
  KIND_MISMATCH: reason("unimplemented", "caller"),
  ENCODING_UNSUPPORTED: reason("unimplemented", "caller"),
  // connections
  CONNECTION_CLOSED: reason("unavailable", "host"),
  CONNECTION_LOST: reason("unavailable", "plugin"),
  LANE_PROTOCOL: reason("internal", "plugin"),
  GOING_AWAY: reason("unavailable", "host"),
  // capabilities
  CAPABILITY_UNKNOWN: reason("not_found", "plugin"),
  GRANT_INVALID: reason("unauthenticated", "caller"),
  GRANT_EXPIRED: reason("unauthenticated", "caller"),
  GRANT_SCOPE: reason("permission_denied", "caller"),
  GRANT_QUOTA: reason("resource_exhausted", "caller"),
  // host and operator
  HOST_NOT_RUNNING: reason("failed_precondition", "operator"),
  HOST_STOPPING: reason("unavailable", "host"),
  HOST_ALREADY_RUNNING: reason("failed_precondition", "operator"),
  PLUGIN_NOT_RUNNING: reason("unavailable", "operator"),
  STOP_TIMEOUT: reason("deadline_exceeded", "plugin"),
  SOCKET_PATH: reason("failed_precondition", "operator"),
  DIRECTORY_NOT_PRIVATE: reason("failed_precondition", "operator"),
  // the door
  REQUEST_INVALID: reason("invalid_argument", "caller"),
  PROTOCOL_UNSUPPORTED: reason("unimplemented", "caller"),
  LISTEN_REFUSED: reason("failed_precondition", "operator"),
  LISTEN_FAILED: reason("unavailable", "operator"),
  TOKEN_NAME_TAKEN: reason("already_exists", "operator"),
  TOKEN_UNKNOWN: reason("not_found", "operator"),
  TOKENS_UNREADABLE: reason("failed_precondition", "operator"),
} as const satisfies Record<string, ReasonInfo>;

/** Why an operation failed. A closed set. */
export type Reason = keyof typeof reasons;

/** The code and usual fault of a reason. */
export function reasonInfo(name: Reason): ReasonInfo {
  return reasons[name];
}

/** Narrows a string from a wire; an unknown reason (of a newer peer) is not one of ours. */
export function isReason(name: string): name is Reason {
  return Object.hasOwn(reasons, name);
}

/** All reasons, in the order in which they were added. */
export function allReasons(): readonly Reason[] {
  return Object.keys(reasons) as Reason[];
}
