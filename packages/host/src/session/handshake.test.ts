import { createHmac, hkdfSync } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  CORE_VERSIONS,
  checkHandshakeResponse,
  clientTranscript,
  DEFAULT_COOKIE,
  type HandshakeRequest,
  HandshakeRequestSchema,
  LAUNCH_KEY_LABEL,
  type LaunchCredential,
  type Manifest,
  manifestToHandshake,
  serverTranscript,
} from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { createLaunchCredentials } from "../auth/launch-credentials.js";
import { createNonceWindow } from "../auth/nonce-window.js";
import { createPrincipals } from "../auth/principals.js";
import { createRuntimeTokens } from "../auth/runtime-tokens.js";
import { answerHandshake, type HandshakeAuth, type HandshakePeer, type HandshakeTerms } from "./handshake.js";

const manifest: Manifest = {
  name: "kv-store",
  version: "1.4.0",
  provides: [{ key: "kv", service: "kv.v1.KvService", version: "1.2.0", methods: [] }],
  requires: [],
  instances: "many",
  sdk: { name: "test", version: "1.0.0" },
};

function createHost(terms: Partial<HandshakeTerms> = {}, expectation: Partial<HandshakePeer["expect"]> = {}) {
  const auth: HandshakeAuth = {
    credentials: createLaunchCredentials(),
    nonces: createNonceWindow(),
    principals: createPrincipals(),
    tokens: createRuntimeTokens(),
  };
  const credential = auth.credentials.issue({ plugin: "kv", instanceId: "kv.1" });
  const peer: HandshakePeer = {
    plugin: "kv",
    instanceId: "kv.1",
    shown: manifest,
    expect: { services: undefined, version: undefined, ...expectation },
    presenter: {},
  };
  const allTerms: HandshakeTerms = {
    hostId: "host-1",
    cookie: DEFAULT_COOKIE,
    coreVersions: CORE_VERSIONS,
    appVersions: [1],
    deprecated: [],
    features: [],
    capabilities: () => [],
    ...terms,
  };
  return {
    auth,
    credential,
    peer,
    answer: (request: HandshakeRequest, from: HandshakePeer = peer) =>
      answerHandshake(request, from, allTerms, auth),
  };
}

let nonces = 0;

function sign(request: HandshakeRequest, { secret }: LaunchCredential): HandshakeRequest {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", LAUNCH_KEY_LABEL, 32));
  request.transcriptMac = new Uint8Array(
    createHmac("sha256", key).update(clientTranscript(request)).digest(),
  );
  return request;
}

function requestOf(
  credential: LaunchCredential,
  change: (request: HandshakeRequest) => void = () => undefined,
) {
  const request = create(HandshakeRequestSchema, {
    ...manifestToHandshake(manifest),
    coreProtocolVersion: 1,
    appProtocolVersion: 1,
    magicCookieKey: DEFAULT_COOKIE.key,
    magicCookieValue: DEFAULT_COOKIE.value,
    clientNonce: new Uint8Array(16).fill(++nonces),
    instanceId: "kv.1",
    credentialId: credential.id,
  });
  change(request);
  return sign(request, credential);
}

function refusalOf(answer: ReturnType<typeof answerHandshake>) {
  if (answer.kind !== "refused") throw new Error("expected a refusal");
  return { reason: answer.failure.info?.reason, message: answer.failure.message };
}

describe("a handshake", () => {
  it("gives an identity, and proves the host", () => {
    const host = createHost();
    const request = requestOf(host.credential);
    const answer = host.answer(request);
    if (answer.kind !== "accepted") throw new Error(answer.failure.message);
    const { response } = answer;
    expect(response.runtimeId).toMatch(/^kv-[0-9a-f]{16}$/);
    expect(response).toMatchObject({ coreProtocolVersion: 1, appProtocolVersion: 1, hostId: "host-1" });
    expect(checkHandshakeResponse(response)).toBeUndefined();
    expect(response.serverNonce.byteLength).toBeGreaterThanOrEqual(16);
    expect(host.auth.tokens.verify(response.runtimeToken)).toMatchObject({ kind: "verified" });
    const key = new Uint8Array(hkdfSync("sha256", host.credential.secret, "", LAUNCH_KEY_LABEL, 32));
    const proof = createHmac("sha256", key).update(serverTranscript(request, response)).digest();
    expect(Buffer.from(response.challengeResponse).equals(proof)).toBe(true);
  });

  it("repeated by the same run with a fresh nonce, gives the same identity", () => {
    const host = createHost();
    const first = host.answer(requestOf(host.credential));
    const second = host.answer(requestOf(host.credential));
    if (first.kind !== "accepted" || second.kind !== "accepted") throw new Error("expected acceptance");
    expect(second.principal).toBe(first.principal);
    expect(second.response.runtimeToken).not.toBe(first.response.runtimeToken);
  });

  it("is refused when it is replayed", () => {
    const host = createHost();
    const request = requestOf(host.credential);
    host.answer(request);
    expect(refusalOf(host.answer(request))).toEqual({
      reason: "HANDSHAKE_REPLAYED",
      message:
        "this handshake was made before: each one needs a client_nonce of its own, from a good random generator",
    });
  });

  it.each<[string, (request: HandshakeRequest) => void]>([
    ["core version", (request) => request.supportedCoreVersions.push(1, 7)],
    ["app version", (request) => request.supportedAppVersions.push(1)],
    ["features", (request) => request.features.push("shared-memory")],
    ["metadata", (request) => (request.clientMetadata.zone = "a")],
    ["package", (request) => (request.selfId = "kv-other")],
    ["offers", (request) => request.provides.pop()],
    ["nonce", (request) => (request.clientNonce = new Uint8Array(16).fill(255))],
  ])("is refused when somebody on the way changed its %s", (_name, change) => {
    const host = createHost();
    const request = requestOf(host.credential);
    change(request);
    expect(refusalOf(host.answer(request)).reason).toBe("CREDENTIAL_INVALID");
    expect(host.auth.principals.find("kv.1")).toBeUndefined();
    expect(host.auth.tokens.size).toBe(0);
  });

  it("is refused over a second connection", () => {
    const host = createHost();
    host.answer(requestOf(host.credential));
    const thief = { ...host.peer, presenter: {} };
    expect(refusalOf(host.answer(requestOf(host.credential), thief)).reason).toBe("CREDENTIAL_INVALID");
  });

  it("is refused with the credential of another run", () => {
    const host = createHost();
    const other = host.auth.credentials.issue({ plugin: "cache", instanceId: "cache.1" });
    expect(refusalOf(host.answer(requestOf(other)))).toEqual({
      reason: "CREDENTIAL_INVALID",
      message:
        'the handshake of plugin "kv" is for instance "cache.1", but came from instance "kv.1"; a plugin must use what its own boot frame says',
    });
  });

  it.each<[string, (request: HandshakeRequest) => void, string, string]>([
    [
      "another cookie",
      (request) => (request.magicCookieValue = "other"),
      "COOKIE_MISMATCH",
      "the value of the magic cookie is not the one that this host wants: the plugin belongs to another host, or one of the two sets a cookie that the other does not",
    ],
    [
      "another core version",
      (request) => (request.coreProtocolVersion = 9),
      "CORE_VERSION_UNSUPPORTED",
      "host and plugin have no core protocol version in common: the host speaks 1, the plugin speaks 9; upgrade the SDK of the older side",
    ],
    [
      "another app version",
      (request) => (request.appProtocolVersion = 3),
      "APP_VERSION_UNSUPPORTED",
      "host and plugin have no app protocol version in common: the host speaks 1, the plugin speaks 3; use a plugin that was built for this application",
    ],
    [
      "a cookie that is too long",
      (request) => (request.magicCookieKey = "x".repeat(257)),
      "HANDSHAKE_INVALID",
      "in the handshake request, magic_cookie_key must be at most 256 bytes long, but has 257",
    ],
    [
      "another manifest than its file showed",
      (request) => (request.selfVersion = "2.0.0"),
      "CLAIMS_EXCEED_SPEC",
      'plugin "kv" claims another version in its handshake than its file showed when it was loaded; a plugin must send the manifest of its definition',
    ],
  ])("is refused with %s", (_name, change, reason, message) => {
    const host = createHost();
    expect(refusalOf(host.answer(requestOf(host.credential, change)))).toEqual({ reason, message });
  });

  it("agrees on the highest version in common", () => {
    const host = createHost({ coreVersions: [1, 2], appVersions: [3, 4, 5] });
    const answer = host.answer(
      requestOf(host.credential, (request) => {
        request.supportedCoreVersions = [1];
        request.supportedAppVersions = [2, 4, 3];
      }),
    );
    expect(answer.kind === "accepted" && answer.response).toMatchObject({
      coreProtocolVersion: 1,
      appProtocolVersion: 4,
      supportedCoreVersions: [1, 2],
      supportedAppVersions: [3, 4, 5],
    });
  });

  it("tells what will not work for ever", () => {
    const host = createHost({
      appVersions: [1, 2],
      deprecated: [{ which: "app", version: 1, sunsetDate: "2030-01-01", advice: "use version 2" }],
    });
    const answer = host.answer(requestOf(host.credential));
    expect(answer.kind === "accepted" && answer.response.deprecations).toMatchObject([
      { what: "app protocol version 1", sunsetDate: "2030-01-01", advice: "use version 2" },
    ]);
  });

  it("chooses the features that both sides know", () => {
    const host = createHost({ features: ["a", "b"] });
    const answer = host.answer(requestOf(host.credential, (request) => (request.features = ["b", "c"])));
    expect(answer.kind === "accepted" && answer.response.features).toEqual(["b"]);
  });

  it("is refused when the plugin is not what the operator expects", () => {
    const version = createHost({}, { version: "^2.0.0" });
    expect(refusalOf(version.answer(requestOf(version.credential)))).toEqual({
      reason: "CLAIMS_EXCEED_SPEC",
      message:
        'plugin "kv" is version "1.4.0" of "kv-store", but the host expects ^2.0.0; install that version or change expect.version',
    });
    const services = createHost({}, { services: ["cache.v1.Cache"] });
    expect(refusalOf(services.answer(requestOf(services.credential)))).toEqual({
      reason: "CLAIMS_EXCEED_SPEC",
      message:
        'plugin "kv" offers kv.v1.KvService, which the host does not expect of it; add it to expect.services if it may',
    });
  });
});
