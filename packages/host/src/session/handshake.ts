import { randomBytes } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CallFailure,
  type Capability,
  checkCookie,
  checkHandshakeRequest,
  clientTranscript,
  createFailure,
  DeprecationSchema,
  type HandshakeRequest,
  type HandshakeResponse,
  HandshakeResponseSchema,
  type MagicCookie,
  type Manifest,
  negotiateVersion,
  noCommonVersion,
  quoted,
  serverTranscript,
  spokenVersions,
} from "@connect-plugin/protocol";
import type { LaunchCredentials } from "../auth/launch-credentials.js";
import type { NonceWindow } from "../auth/nonce-window.js";
import type { Principal } from "../auth/principal.js";
import type { Principals } from "../auth/principals.js";
import type { RuntimeTokens } from "../auth/runtime-tokens.js";
import { checkClaims, type Expectation } from "./claims.js";

/** What a host agrees to, the same for all its plugins. */
export interface HandshakeTerms {
  readonly hostId: string;
  readonly cookie: MagicCookie;
  /** Versions of the handshake and of what follows that this host speaks. */
  readonly coreVersions: readonly number[];
  /** Versions of the application's own contract. */
  readonly appVersions: readonly number[];
  /** Versions that still work and will not for ever. */
  readonly deprecated: readonly DeprecatedVersion[];
  /** Optional behaviour that this host can do. */
  readonly features: readonly string[];
  /** What the host lends. */
  readonly capabilities: () => readonly Capability[];
}

export interface DeprecatedVersion {
  readonly which: "core" | "app";
  readonly version: number;
  /** From this day on it may be gone, as YYYY-MM-DD; empty if that is not decided. */
  readonly sunsetDate: string;
  /** What to do about it. */
  readonly advice: string;
}

/** The parts of `auth` that a handshake takes. */
export interface HandshakeAuth {
  readonly credentials: LaunchCredentials;
  readonly nonces: NonceWindow;
  readonly principals: Principals;
  readonly tokens: RuntimeTokens;
}

/** What the host knows of the plugin that shakes hands. */
export interface HandshakePeer {
  readonly plugin: string;
  readonly instanceId: string;
  /** What its file showed when it was loaded. */
  readonly shown: Manifest;
  readonly expect: Expectation;
  /** What the handshake came over: the same object for the same connection. */
  readonly presenter: object;
}

export type HandshakeAnswer =
  | { readonly kind: "accepted"; readonly principal: Principal; readonly response: HandshakeResponse }
  | { readonly kind: "refused"; readonly failure: CallFailure };

const NONCE_BYTES = 32;

/**
 * Answers a handshake. A peer that repeats it rightly, with a fresh nonce, gets the same identity again; nothing of a
 * refused one is left behind.
 */
export function answerHandshake(
  request: HandshakeRequest,
  peer: HandshakePeer,
  terms: HandshakeTerms,
  auth: HandshakeAuth,
): HandshakeAnswer {
  const malformed =
    checkHandshakeRequest(request) ??
    checkCookie({ key: request.magicCookieKey, value: request.magicCookieValue }, terms.cookie);
  if (malformed !== undefined) return { kind: "refused", failure: malformed };

  const coreSpoken = spokenVersions(request.coreProtocolVersion, request.supportedCoreVersions);
  const core = negotiateVersion(terms.coreVersions, coreSpoken);
  if (core === undefined) {
    return { kind: "refused", failure: noCommonVersion("core", terms.coreVersions, coreSpoken) };
  }
  const appSpoken = spokenVersions(request.appProtocolVersion, request.supportedAppVersions);
  const app = negotiateVersion(terms.appVersions, appSpoken);
  if (app === undefined) {
    return { kind: "refused", failure: noCommonVersion("app", terms.appVersions, appSpoken) };
  }

  const proof = auth.credentials.verify(
    request.credentialId,
    request.transcriptMac,
    clientTranscript(request),
    peer.presenter,
  );
  if (proof.kind === "failure") return { kind: "refused", failure: proof.failure };
  const refused =
    checkRun(request, peer, proof.instanceId) ??
    auth.nonces.take(request.clientNonce) ??
    checkClaims({ plugin: peer.plugin, request, shown: peer.shown, expect: peer.expect });
  if (refused !== undefined) return { kind: "refused", failure: refused };

  const principal = auth.principals.plugin({ plugin: peer.plugin, instanceId: peer.instanceId });
  const token = auth.tokens.issue(principal);
  const response = create(HandshakeResponseSchema, {
    coreProtocolVersion: core,
    appProtocolVersion: app,
    hostCapabilities: [...terms.capabilities()],
    runtimeId: principal.runtimeId,
    runtimeToken: token.token,
    serverNonce: new Uint8Array(randomBytes(NONCE_BYTES)),
    features: terms.features.filter((feature) => request.features.includes(feature)),
    hostId: terms.hostId,
    tokenExpiresIn: durationFromMs(token.expiresInMs),
    supportedCoreVersions: [...terms.coreVersions],
    supportedAppVersions: [...terms.appVersions],
    deprecations: deprecationsOf(terms, core, app),
  });
  response.challengeResponse = proof.prove(serverTranscript(request, response));
  return { kind: "accepted", principal, response };
}

/** The credential, the connection and the request must be of one and the same run. */
function checkRun(request: HandshakeRequest, peer: HandshakePeer, proven: string): CallFailure | undefined {
  if (proven === peer.instanceId && request.instanceId === peer.instanceId) return undefined;
  const found = request.instanceId === peer.instanceId ? proven : request.instanceId;
  return createFailure(
    "CREDENTIAL_INVALID",
    `the handshake of plugin "${peer.plugin}" is for instance ${quoted(found)}, ` +
      `but came from instance ${quoted(peer.instanceId)}; a plugin must use what its own boot frame says`,
    { fault: "plugin", facts: { plugin: peer.plugin, instanceId: peer.instanceId } },
  );
}

function deprecationsOf(terms: HandshakeTerms, core: number, app: number) {
  const chosen = { core, app };
  return terms.deprecated
    .filter((one) => one.version === chosen[one.which])
    .map(({ which, version, sunsetDate, advice }) =>
      create(DeprecationSchema, { what: `${which} protocol version ${version}`, sunsetDate, advice }),
    );
}
