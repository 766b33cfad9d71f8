import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type Boot,
  type CallFailure,
  type CallHandler,
  CORE_VERSIONS,
  checkHandshakeResponse,
  clientTranscript,
  createFailure,
  DEFAULT_COOKIE,
  type HandshakeRequest,
  HandshakeRequestSchema,
  type HandshakeResponse,
  HandshakeService,
  type Manifest,
  manifestToHandshake,
  noCommonVersion,
  runtimeIdProblem,
  serverTranscript,
  spokenVersions,
} from "@connect-plugin/protocol";
import { createServiceClient, toConnectError } from "@connect-plugin/rpc";
import { createLaunchProof } from "./launch-proof.js";

/** Versions of the application's contract. There is one as long as applications cannot name theirs. */
const APP_VERSIONS: readonly number[] = [1];
const NONCE_BYTES = 32;
const TIMEOUT_MS = 30_000;

/** What the host agreed to. */
export interface Agreement {
  /** The identity of this run of the plugin. */
  readonly runtimeId: string;
  readonly hostId: string;
}

/**
 * The first exchange of a session. The plugin proves that it holds the launch secret, and so does the host: a plugin
 * hands nothing to a host that did not launch it.
 *
 * Rejects with a ConnectError: the host's refusal, or HOST_UNPROVEN, CORE_VERSION_UNSUPPORTED, APP_VERSION_UNSUPPORTED
 * and HANDSHAKE_INVALID for an answer that is not acceptable.
 */
export async function shakeHands(host: CallHandler, boot: Boot, manifest: Manifest): Promise<Agreement> {
  const proof = createLaunchProof(boot.credential.secret);
  const request = create(HandshakeRequestSchema, {
    ...manifestToHandshake(manifest),
    coreProtocolVersion: Math.max(...CORE_VERSIONS),
    appProtocolVersion: Math.max(...APP_VERSIONS),
    magicCookieKey: DEFAULT_COOKIE.key,
    magicCookieValue: DEFAULT_COOKIE.value,
    clientNonce: new Uint8Array(randomBytes(NONCE_BYTES)),
    instanceId: boot.instanceId,
    supportedCoreVersions: [...CORE_VERSIONS],
    supportedAppVersions: [...APP_VERSIONS],
    credentialId: boot.credential.id,
  });
  request.transcriptMac = proof.mac(clientTranscript(request));

  const client = createServiceClient(HandshakeService, host, { defaultTimeoutMs: TIMEOUT_MS });
  const response = await client.handshake(request);
  const failure =
    checkHandshakeResponse(response) ??
    checkVersions(response) ??
    (proof.verifies(serverTranscript(request, response), response.challengeResponse)
      ? checkIdentity(request, response)
      : unproven(boot.plugin, response));
  if (failure !== undefined) throw toConnectError(failure);
  return { runtimeId: response.runtimeId, hostId: response.hostId };
}

function checkVersions(response: HandshakeResponse): CallFailure | undefined {
  if (!CORE_VERSIONS.includes(response.coreProtocolVersion)) {
    const host = spokenVersions(response.coreProtocolVersion, response.supportedCoreVersions);
    return noCommonVersion("core", host, CORE_VERSIONS);
  }
  if (!APP_VERSIONS.includes(response.appProtocolVersion)) {
    const host = spokenVersions(response.appProtocolVersion, response.supportedAppVersions);
    return noCommonVersion("app", host, APP_VERSIONS);
  }
  return undefined;
}

function unproven(plugin: string, response: HandshakeResponse): CallFailure {
  const found =
    response.challengeResponse.byteLength === 0
      ? "answered without a challenge_response"
      : "answered with a challenge_response that was not made with it";
  return createFailure(
    "HOST_UNPROVEN",
    `The host of plugin "${plugin}" should have proven that it holds the plugin's launch secret, but ${found}: it is not the host that launched the plugin, or somebody changed the exchange on its way.`,
    { facts: { plugin } },
  );
}

function checkIdentity(request: HandshakeRequest, response: HandshakeResponse): CallFailure | undefined {
  const unknown = response.features.find((feature) => !request.features.includes(feature));
  const problem =
    response.serverNonce.byteLength === 0
      ? "server_nonce must not be empty"
      : (runtimeIdProblem(response.runtimeId) ??
        (unknown === undefined ? undefined : `feature "${unknown}" was chosen, but never offered`));
  if (problem === undefined) return undefined;
  return createFailure("HANDSHAKE_INVALID", `In the handshake response, ${problem}.`, { fault: "host" });
}
