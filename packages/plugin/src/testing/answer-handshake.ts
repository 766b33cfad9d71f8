import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  type Boot,
  CORE_VERSIONS,
  checkHandshakeRequest,
  clientTranscript,
  createRuntimeId,
  type HandshakeRequest,
  type HandshakeResponse,
  HandshakeResponseSchema,
  negotiateVersion,
  noCommonVersion,
  serverTranscript,
  spokenVersions,
} from "@connect-plugin/protocol";
import { failureError, toConnectError } from "@connect-plugin/rpc";
import { createLaunchProof } from "../session/launch-proof.js";

/** Spoils an answer, to see what a plugin makes of it. */
export interface HandshakeSpoilers {
  /** Before the host proves itself: what a real host might say. */
  readonly beforeProof?: (response: HandshakeResponse) => void;
  /** After it: what somebody in between might do. */
  readonly afterProof?: (response: HandshakeResponse) => void;
}

/** A host's answer to a handshake: as strict as a real one about the proof, and generous with all else. */
export function answerHandshake(
  request: HandshakeRequest,
  boot: Boot,
  { beforeProof, afterProof }: HandshakeSpoilers,
): HandshakeResponse {
  const proof = createLaunchProof(boot.credential.secret);
  const malformed = checkHandshakeRequest(request);
  if (malformed !== undefined) throw toConnectError(malformed);
  const core = negotiateVersion(
    CORE_VERSIONS,
    spokenVersions(request.coreProtocolVersion, request.supportedCoreVersions),
  );
  if (core === undefined)
    throw toConnectError(noCommonVersion("core", CORE_VERSIONS, request.supportedCoreVersions));
  if (
    request.credentialId !== boot.credential.id ||
    !proof.verifies(clientTranscript(request), request.transcriptMac)
  ) {
    throw failureError("CREDENTIAL_INVALID", "The handshake does not prove the launch secret.", {
      fault: "plugin",
    });
  }
  const response = create(HandshakeResponseSchema, {
    coreProtocolVersion: core,
    appProtocolVersion: request.appProtocolVersion,
    runtimeId: createRuntimeId(boot.plugin, randomBytes(8).toString("hex")),
    runtimeToken: randomBytes(32).toString("base64url"),
    serverNonce: new Uint8Array(randomBytes(32)),
    hostId: "test-host",
    supportedCoreVersions: [...CORE_VERSIONS],
  });
  beforeProof?.(response);
  response.challengeResponse = proof.mac(serverTranscript(request, response));
  afterProof?.(response);
  return response;
}
