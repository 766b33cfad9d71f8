import { createHmac, hkdfSync } from "node:crypto";
import type { LaunchCredential } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { createLaunchCredentials, type LaunchCredentials } from "./launch-credentials.js";

const transcript = new TextEncoder().encode("client says");
const launch = { plugin: "kv", instanceId: "i1" };
const connection = {};

/** What a plugin does with its credential. */
function macOf({ secret }: LaunchCredential, message: Uint8Array = transcript): Uint8Array {
  const key = new Uint8Array(hkdfSync("sha256", secret, "", "connectplugin.v1 launch secret", 32));
  return new Uint8Array(createHmac("sha256", key).update(message).digest());
}

function failureOf(verified: ReturnType<LaunchCredentials["verify"]>) {
  if (verified.kind !== "failure") throw new Error("expected a failure");
  return verified.failure;
}

const unproven =
  "the handshake does not prove the launch secret: a plugin must use the credential of its own boot frame, and a launch that has ended has none";

describe("createLaunchCredentials", () => {
  test("recognizes the plugin that was launched, and proves itself to it", () => {
    const credentials = createLaunchCredentials();
    const credential = credentials.issue(launch);
    const verified = credentials.verify(credential.id, macOf(credential), transcript, connection);
    if (verified.kind !== "verified") throw new Error("expected it to be verified");
    expect(verified).toMatchObject(launch);
    const answer = new TextEncoder().encode("server says");
    expect(verified.prove(answer)).toEqual(macOf(credential, answer));
  });

  test("refuses what does not prove the secret", () => {
    const credentials = createLaunchCredentials();
    const credential = credentials.issue(launch);
    const mac = macOf(credential);
    const forged: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
      ["another id", mac, transcript],
      [credential.id, mac.with(3, (mac[3] ?? 0) ^ 1), transcript],
      [credential.id, new Uint8Array(), transcript],
      [credential.id, mac, new TextEncoder().encode("client said")],
      [credential.id, new TextEncoder().encode(credential.secret), transcript],
    ];
    for (const [id, shown, message] of forged) {
      const failure = failureOf(credentials.verify(id, shown, message, connection));
      expect(failure).toMatchObject({
        code: 16,
        message: unproven,
        info: { reason: "CREDENTIAL_INVALID", fault: "plugin" },
      });
    }
  });

  test("is good for one connection, which may shake hands again", () => {
    const credentials = createLaunchCredentials();
    const credential = credentials.issue(launch);
    const verify = (presenter: object) =>
      credentials.verify(credential.id, macOf(credential), transcript, presenter);
    expect(verify(connection).kind).toBe("verified");
    expect(verify(connection).kind).toBe("verified");
    expect(failureOf(verify({}))).toMatchObject({
      message:
        'the launch secret of plugin "kv" was used already, over another connection: it is good for one',
      info: { reason: "CREDENTIAL_INVALID", facts: { plugin: "kv", instanceId: "i1" } },
    });
  });

  test("a forged attempt does not use it up", () => {
    const credentials = createLaunchCredentials();
    const credential = credentials.issue(launch);
    credentials.verify(credential.id, new Uint8Array(32), transcript, {});
    expect(credentials.verify(credential.id, macOf(credential), transcript, connection).kind).toBe(
      "verified",
    );
  });

  test("ends with its launch", () => {
    const credentials = createLaunchCredentials();
    const credential = credentials.issue(launch);
    credentials.end("i1");
    credentials.end("i1");
    expect(credentials.size).toBe(0);
    const failure = failureOf(credentials.verify(credential.id, macOf(credential), transcript, connection));
    expect(failure.message).toBe(unproven);
  });

  test("issues one for each launch, all different", () => {
    const credentials = createLaunchCredentials();
    const first = credentials.issue(launch);
    const second = credentials.issue({ plugin: "kv", instanceId: "i2" });
    expect(second.id).not.toBe(first.id);
    expect(second.secret).not.toBe(first.secret);
    expect(() => credentials.issue(launch)).toThrow(
      new TypeError("instance i1 has a launch credential already: each launch is an instance of its own"),
    );
  });
});
