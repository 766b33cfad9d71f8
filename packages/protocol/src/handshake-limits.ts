import { type CallFailure, createFailure } from "./failure.js";
import type { HandshakeRequest, HandshakeResponse } from "./gen/connectplugin/v1/handshake_pb.js";
import { MANIFEST_LIMITS } from "./manifest-check.js";
import { metadataKeyProblem, metadataValueProblem, selfIdProblem } from "./names.js";
import type { Reason } from "./reason.js";
import { utf8Length } from "./utf8.js";

/** How large a handshake may be, field by field. Sizes are bytes; of texts, those of UTF-8. */
export interface HandshakeLimits {
  /** The whole encoded message. Whoever carries it stops reading there. */
  readonly messageBytes: number;
  /** Key and value of the magic cookie, each. */
  readonly cookieBytes: number;
  readonly requestedPlugins: number;
  readonly metadataEntries: number;
  /** All keys and values of the metadata together. */
  readonly metadataBytes: number;
  readonly selfIdBytes: number;
  /** Nonces shorter than this prove nothing. */
  readonly nonceMinBytes: number;
  readonly nonceMaxBytes: number;
  readonly macBytes: number;
  readonly supportedVersions: number;
  readonly features: number;
  /** Services that are provided, and as many that are required. */
  readonly services: number;
  /** Methods of one service. */
  readonly methods: number;
  readonly deprecations: number;
  /** Any other text. */
  readonly textBytes: number;
}

export const HANDSHAKE_LIMITS: HandshakeLimits = {
  messageBytes: 1_048_576,
  cookieBytes: 256,
  requestedPlugins: 100,
  metadataEntries: 1_000,
  metadataBytes: 4_096,
  selfIdBytes: 256,
  nonceMinBytes: 16,
  nonceMaxBytes: 64,
  macBytes: 64,
  supportedVersions: 64,
  features: 64,
  services: MANIFEST_LIMITS.services,
  methods: MANIFEST_LIMITS.methods,
  deprecations: 64,
  textBytes: 512,
};

/** What a check came upon first. */
interface Finding {
  readonly reason: Reason;
  readonly problem: string;
}

/** What is checked, in order: each says what is wrong, or undefined. */
type Check = () => Finding | undefined;

/** Holds a decoded request against the limits; undefined if it keeps them. */
export function checkHandshakeRequest(
  request: HandshakeRequest,
  limits: HandshakeLimits = HANDSHAKE_LIMITS,
): CallFailure | undefined {
  return firstFailure("request", [
    () => textLimit("magic_cookie_key", request.magicCookieKey, limits.cookieBytes),
    () => textLimit("magic_cookie_value", request.magicCookieValue, limits.cookieBytes),
    () => texts("requested_plugins", request.requestedPlugins, limits.requestedPlugins, limits.textBytes),
    () => metadata("client_metadata", request.clientMetadata, limits),
    () => textLimit("self_id", request.selfId, limits.selfIdBytes),
    () => selfId(request.selfId),
    () => textLimit("self_version", request.selfVersion, limits.textBytes),
    () => nonce("client_nonce", request.clientNonce, limits),
    () => textLimit("instance_id", request.instanceId, limits.textBytes),
    () => count("supported_core_versions", request.supportedCoreVersions, limits.supportedVersions),
    () => count("supported_app_versions", request.supportedAppVersions, limits.supportedVersions),
    () => texts("features", request.features, limits.features, limits.textBytes),
    () => textLimit("credential_id", request.credentialId, limits.textBytes),
    () => bytesLimit("transcript_mac", request.transcriptMac, limits.macBytes),
    () => services("provides", request.provides, limits),
    () => services("requires", request.requires, limits),
    () => textLimit("sdk_name", request.sdkName, limits.textBytes),
    () => textLimit("sdk_version", request.sdkVersion, limits.textBytes),
  ]);
}

/** The same for a decoded response. */
export function checkHandshakeResponse(
  response: HandshakeResponse,
  limits: HandshakeLimits = HANDSHAKE_LIMITS,
): CallFailure | undefined {
  return firstFailure("response", [
    () => count("plugins", response.plugins, limits.requestedPlugins),
    () => metadata("server_metadata", response.serverMetadata, limits),
    () => count("host_capabilities", response.hostCapabilities, limits.services),
    () => textLimit("runtime_id", response.runtimeId, limits.textBytes),
    () => textLimit("runtime_token", response.runtimeToken, limits.textBytes),
    () => nonce("server_nonce", response.serverNonce, limits),
    () => bytesLimit("challenge_response", response.challengeResponse, limits.macBytes),
    () => texts("features", response.features, limits.features, limits.textBytes),
    () => textLimit("host_id", response.hostId, limits.textBytes),
    () => count("supported_core_versions", response.supportedCoreVersions, limits.supportedVersions),
    () => count("supported_app_versions", response.supportedAppVersions, limits.supportedVersions),
    () => count("deprecations", response.deprecations, limits.deprecations),
  ]);
}

function firstFailure(message: "request" | "response", checks: readonly Check[]): CallFailure | undefined {
  for (const check of checks) {
    const finding = check();
    if (finding === undefined) continue;
    return createFailure(finding.reason, `in the handshake ${message}, ${finding.problem}`, {
      fault: message === "request" ? "plugin" : "host",
    });
  }
  return undefined;
}

function invalid(problem: string): Finding {
  return { reason: "HANDSHAKE_INVALID", problem };
}

function textLimit(field: string, text: string, limit: number): Finding | undefined {
  const size = utf8Length(text);
  return size > limit ? invalid(`${field} must be at most ${limit} bytes long, but has ${size}`) : undefined;
}

function bytesLimit(field: string, bytes: Uint8Array, limit: number): Finding | undefined {
  const size = bytes.byteLength;
  return size > limit ? invalid(`${field} must be at most ${limit} bytes long, but has ${size}`) : undefined;
}

function count(field: string, list: { readonly length: number }, limit: number): Finding | undefined {
  const { length } = list;
  return length > limit
    ? invalid(`${field} must have at most ${limit} elements, but has ${length}`)
    : undefined;
}

function texts(field: string, list: readonly string[], limit: number, each: number): Finding | undefined {
  const tooMany = count(field, list, limit);
  if (tooMany !== undefined) return tooMany;
  for (const [index, text] of list.entries()) {
    const tooLong = textLimit(`${field}[${index}]`, text, each);
    if (tooLong !== undefined) return tooLong;
  }
  return undefined;
}

function selfId(text: string): Finding | undefined {
  const problem = text === "" ? undefined : selfIdProblem(text);
  return problem === undefined ? undefined : { reason: "PLUGIN_NAME_INVALID", problem };
}

function nonce(field: string, bytes: Uint8Array, limits: HandshakeLimits): Finding | undefined {
  const size = bytes.byteLength;
  if (size === 0 || (size >= limits.nonceMinBytes && size <= limits.nonceMaxBytes)) return undefined;
  return invalid(
    `${field} must be absent or ${limits.nonceMinBytes} to ${limits.nonceMaxBytes} bytes long, but has ${size}`,
  );
}

function services(
  field: string,
  list: readonly { readonly methods: readonly unknown[] }[],
  limits: HandshakeLimits,
): Finding | undefined {
  const tooMany = count(field, list, limits.services);
  if (tooMany !== undefined) return tooMany;
  for (const [index, { methods }] of list.entries()) {
    const tooManyMethods = count(`${field}[${index}].methods`, methods, limits.methods);
    if (tooManyMethods !== undefined) return tooManyMethods;
  }
  return undefined;
}

function metadata(
  field: string,
  map: Readonly<Record<string, string>>,
  limits: HandshakeLimits,
): Finding | undefined {
  const entries = Object.entries(map);
  if (entries.length > limits.metadataEntries) {
    return tooLarge(
      `${field} must have at most ${limits.metadataEntries} entries, but has ${entries.length}`,
    );
  }
  let size = 0;
  for (const [key, value] of entries) size += utf8Length(key) + utf8Length(value);
  if (size > limits.metadataBytes) {
    return tooLarge(`${field} must be at most ${limits.metadataBytes} bytes in all, but has ${size}`);
  }
  for (const [key, value] of entries) {
    const problem = metadataKeyProblem(key) ?? metadataValueProblem(value);
    if (problem !== undefined) return { reason: "METADATA_INVALID", problem: `${field}: ${problem}` };
  }
  return undefined;
}

function tooLarge(problem: string): Finding {
  return { reason: "METADATA_TOO_LARGE", problem };
}
