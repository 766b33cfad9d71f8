import { createFailure, DEFAULT_COOKIE, PluginLifecycle } from "@connect-plugin/protocol";
import { createServiceClient, createServiceEnd, failureInfo } from "@connect-plugin/rpc";
import { describe, expect, it } from "vitest";
import { createLaunchCredentials } from "../auth/launch-credentials.js";
import { createNonceWindow } from "../auth/nonce-window.js";
import { createPrincipals } from "../auth/principals.js";
import { createRuntimeTokens } from "../auth/runtime-tokens.js";
import type { HealthReport } from "../event.js";
import { inProcess } from "../launcher/in-process.js";
import { createFakePlugin, type FakePluginOptions } from "../testing/fake-plugin.js";
import { createSessions } from "./host-session.js";
import { createPluginLifecycle } from "./plugin-lifecycle.js";

function openSession(options: Omit<FakePluginOptions, "name"> = {}) {
  const auth = {
    credentials: createLaunchCredentials(),
    nonces: createNonceWindow(),
    principals: createPrincipals(),
    tokens: createRuntimeTokens(),
  };
  const told: unknown[] = [];
  const sessions = createSessions({
    auth,
    terms: {
      hostId: "host-1",
      cookie: DEFAULT_COOKIE,
      coreVersions: [1],
      appVersions: [1],
      deprecated: [],
      features: [],
      capabilities: () => [],
    },
    callsOf: ({ reportHealth }) =>
      createServiceEnd({
        services: [{ desc: PluginLifecycle, implementation: createPluginLifecycle(reportHealth) }],
      }),
    onEnd: (principal) => told.push(`ended ${principal.name}`),
  });
  let settle: () => void = () => undefined;
  const accepted = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const session = sessions.open({
    plugin: "kv",
    instanceId: "kv.1",
    distance: "in-process",
    config: { path: "./data" },
    expect: { services: undefined, version: undefined },
    on: {
      accepted: (runtimeId) => {
        told.push(`accepted ${runtimeId.slice(0, 3)}`);
        settle();
      },
      refused: (failure) => told.push(`refused ${failure.info?.reason}`),
      health: (report: HealthReport) => told.push(report),
    },
  });
  const entry = createFakePlugin({ name: "kv-store", ...options });
  const launch = () =>
    inProcess(entry).launch({
      boot: session.boot,
      handler: session.handler,
      output: () => undefined,
      signal: new AbortController().signal,
    });
  return { auth, session, told, accepted, launch };
}

const failureOf = async (promise: Promise<unknown>) =>
  failureInfo(
    await promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
  )?.reason;

describe("a session", () => {
  it("goes from handshake to end", async () => {
    const { auth, session, told, accepted, launch } = openSession({
      start: (ctx) => ctx.reportHealth("degraded", "warming up"),
    });
    expect(session.boot).toMatchObject({ plugin: "kv", instanceId: "kv.1", config: { path: "./data" } });
    expect(await failureOf(session.start())).toBe("PROVIDER_STARTING");
    const launched = await launch();
    session.attach(launched.manifest, launched.connection);
    await accepted;
    expect(session.runtimeId).toMatch(/^kv-[0-9a-f]{16}$/);
    expect(await session.start()).toEqual({ state: "healthy", reason: "", unavailableDependencies: [] });
    expect(await session.health(1_000)).toMatchObject({ state: "healthy" });
    await session.drain("enough");
    await session.shutDown("enough", 1_000);
    expect(await launched.exited).toEqual({ kind: "in-process" });
    session.end();
    session.end();
    expect(told).toEqual([
      "accepted kv-",
      { state: "degraded", reason: "warming up", unavailableDependencies: [] },
      "ended kv",
    ]);
    expect([auth.credentials.size, auth.tokens.size, auth.principals.find("kv.1")]).toEqual([
      0,
      0,
      undefined,
    ]);
  });

  it("takes no handshake before the plugin is loaded, and none after its end", async () => {
    const { session, told, launch } = openSession();
    const launched = await launch();
    session.end();
    session.attach(launched.manifest, launched.connection);
    await launched.exited;
    expect(launched.trouble).toMatchObject({
      message: 'plugin "kv" is being stopped',
      info: { reason: "PROVIDER_STOPPED" },
    });
    expect(told).toEqual([]);
    launched.connection.close(createFailure("CANCELLED", "the test is over"));
  });

  it("tells of a refusal", async () => {
    const { session, told, launch } = openSession({
      beforeSigning: (request) => (request.magicCookieValue = "other"),
    });
    const launched = await launch();
    session.attach(launched.manifest, launched.connection);
    await launched.exited;
    expect(launched.trouble?.info?.reason).toBe("COOKIE_MISMATCH");
    expect(told).toEqual(["refused COOKIE_MISMATCH"]);
    const beyond = createServiceClient(PluginLifecycle, session.handler).reportHealth({});
    expect(await failureOf(beyond)).toBe("HANDSHAKE_REQUIRED");
    session.end();
  });
});
