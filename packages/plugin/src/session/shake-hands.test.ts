import { createFailure, type HandshakeResponse } from "@connect-plugin/protocol";
import { failureInfo } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { definePlugin } from "../define/define-plugin.js";
import { rejection } from "../fixtures/notes.js";
import { createHostFor, type OpenSettings, openSession } from "../fixtures/open-session.js";
import { createTestLink } from "../testing/test-link.js";

const definition = definePlugin({ name: "kv-store", version: "1.0.0", start: () => ({}) });

/** The handshake's failure, and how the host saw the link end. */
async function refusal(settings: OpenSettings) {
  const host = createHostFor(definition, settings);
  const { link, plugin } = createTestLink("direct", host.handler);
  const error = await rejection(definition.$connectPlugin.run(link, host.boot));
  const { failure } = await (await plugin).closed;
  if (!(error instanceof ConnectError)) throw new Error(`not a ConnectError: ${String(error)}`);
  expect(failure.message).toBe(error.rawMessage);
  return { reason: failureInfo(error)?.reason, fault: failureInfo(error)?.fault, message: error.rawMessage };
}

test.each(["direct", "lane"] as const)(
  "a host and a plugin that share the secret agree, over a %s link",
  async (link) => {
    const { host, running } = await openSession(definition, { link });
    expect(host.runtimeId).toMatch(/^kv-[0-9a-f]{16}$/);
    running.stop("done");
    expect(await running.stopped).toEqual({ how: "asked", reason: "done" });
  },
);

describe("a host that does not prove that it launched the plugin gets nothing", () => {
  const cases: readonly [string, (response: HandshakeResponse) => void, string][] = [
    [
      "no proof",
      (r) => {
        r.challengeResponse = new Uint8Array();
      },
      "answered without a challenge_response",
    ],
    [
      "a wrong proof",
      (r) => {
        r.challengeResponse = new Uint8Array(32);
      },
      "answered with a challenge_response that was not made with it",
    ],
    [
      "a short proof",
      (r) => {
        r.challengeResponse = r.challengeResponse.slice(1);
      },
      "answered with a challenge_response that was not made with it",
    ],
    [
      "another runtime id",
      (r) => {
        r.runtimeId = "kv-00000000";
      },
      "answered with a challenge_response that was not made with it",
    ],
    [
      "another token",
      (r) => {
        r.runtimeToken = "x".repeat(43);
      },
      "answered with a challenge_response that was not made with it",
    ],
    [
      "a feature more",
      (r) => {
        r.features = ["more"];
      },
      "answered with a challenge_response that was not made with it",
    ],
  ];
  test.each(cases)("%s", async (_, afterProof, found) => {
    expect(await refusal({ spoil: { afterProof } })).toEqual({
      reason: "HOST_UNPROVEN",
      fault: "host",
      message: `The host of plugin "kv" should have proven that it holds the plugin's launch secret, but ${found}: it is not the host that launched the plugin, or somebody changed the exchange on its way.`,
    });
  });
});

describe("an answer that is not acceptable", () => {
  test("another core version", async () => {
    const beforeProof = (r: HandshakeResponse) => {
      r.coreProtocolVersion = 7;
      r.supportedCoreVersions = [7, 8];
    };
    expect(await refusal({ spoil: { beforeProof } })).toMatchObject({
      reason: "CORE_VERSION_UNSUPPORTED",
      message: expect.stringContaining("the host speaks 7, 8, the plugin speaks 1"),
    });
  });
  test("another version of the application's contract", async () => {
    const beforeProof = (r: HandshakeResponse) => {
      r.appProtocolVersion = 3;
    };
    expect(await refusal({ spoil: { beforeProof } })).toMatchObject({
      reason: "APP_VERSION_UNSUPPORTED",
      message: expect.stringContaining("the host speaks 3, the plugin speaks 1"),
    });
  });
  test.each<[string, (r: HandshakeResponse) => void, string]>([
    [
      "a runtime id that is none",
      (r) => {
        r.runtimeId = "KV 1";
      },
      "a runtime id must be",
    ],
    [
      "no runtime id",
      (r) => {
        r.runtimeId = "";
      },
      "a runtime id must not be empty",
    ],
    [
      "no nonce",
      (r) => {
        r.serverNonce = new Uint8Array();
      },
      "server_nonce must not be empty",
    ],
    [
      "a short nonce",
      (r) => {
        r.serverNonce = new Uint8Array(8);
      },
      "server_nonce must be absent or 16 to 64 bytes long, but has 8",
    ],
    [
      "a feature that nobody offered",
      (r) => {
        r.features = ["telepathy"];
      },
      'feature "telepathy" was chosen, but never offered',
    ],
  ])("%s", async (_, beforeProof, problem) => {
    expect(await refusal({ spoil: { beforeProof } })).toMatchObject({
      reason: "HANDSHAKE_INVALID",
      fault: "host",
      message: expect.stringContaining(problem),
    });
  });
});

test("a plugin with the wrong secret is refused by the host", async () => {
  const host = createHostFor(definition);
  const { link } = createTestLink("direct", host.handler);
  const credential = { ...host.boot.credential, secret: "another" };
  const error = await rejection(definition.$connectPlugin.run(link, { ...host.boot, credential }));
  expect(failureInfo(error)?.reason).toBe("CREDENTIAL_INVALID");
});

test.each(["direct", "lane"] as const)(
  "a host that goes during the handshake ends it, over a %s link",
  async (kind) => {
    const host = createHostFor(definition);
    const silent = { start: () => ({ message() {}, end() {}, cancel() {}, credit() {} }) };
    const { link, plugin } = createTestLink(kind, silent);
    const outcome = rejection(definition.$connectPlugin.run(link, host.boot));
    (await plugin).close(createFailure("CONNECTION_CLOSED", "the host is gone"));
    expect(await outcome).toMatchObject({ rawMessage: expect.stringContaining("the host is gone") });
  },
);
