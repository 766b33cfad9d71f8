import { setMaxListeners } from "node:events";
import { HostSessionService, ServiceRegistry, ServiceState } from "@connect-plugin/protocol";
import { failureInfo } from "@connect-plugin/rpc";
import type { ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { createFakePlugin, type FakeContext } from "../testing/fake-plugin.js";
import { createTestHost, type TestHost, type TestHostOptions } from "../testing/test-host.js";
import { answerText, createTextService } from "../testing/text-service.js";

const A = createTextService("a.v1");
const B = createTextService("b.v1");
const service = A.typeName;

let test: TestHost | undefined;
let ctx: FakeContext;

afterEach(async () => {
  await test?.host.stop({ graceMs: 500 });
  test = undefined;
});

/** A host with a provider of A, and a plugin that wants it, whose context is `ctx`. */
async function start(options: Partial<TestHostOptions> = {}): Promise<TestHost> {
  test = createTestHost({
    plugins: {
      one: createFakePlugin({ name: "one", provides: [{ desc: A, implementation: answerText }] }),
      asker: createFakePlugin({
        name: "asker",
        provides: [{ desc: B, implementation: answerText }],
        requires: [{ desc: A, arity: "each" }],
        start(context) {
          ctx = context;
        },
      }),
    },
    ...options,
  });
  await test.host.start();
  return test;
}

async function failureOf(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return { reason: failureInfo(error)?.reason, message: (error as ConnectError).rawMessage };
}

const first = async <T>(stream: AsyncIterable<T>) => {
  for await (const one of stream) return one;
  throw new Error("the stream ended");
};

describe("WatchProviders", () => {
  it("tells who provides, and every change", async () => {
    const { host } = await start();
    const lists: unknown[] = [];
    const session = ctx.client(HostSessionService);
    const enough = new AbortController();
    const watching = (async () => {
      for await (const list of session.watchProviders({ service }, { signal: enough.signal })) {
        lists.push(list.providers.map(({ plugin, version, available }) => [plugin, version, available]));
        if (lists.length === 1) void host.restart("one");
        if (lists.length === 3) enough.abort();
      }
    })();
    await watching.catch(() => undefined);
    expect(lists).toEqual([[["one", "1.0.0", true]], [], [["one", "1.0.0", true]]]);
  });

  it("tells nothing again to who knows it already", async () => {
    await start();
    const session = ctx.client(HostSessionService);
    const { cursor, snapshot } = await first(session.watchProviders({ service }));
    expect(snapshot).toBe(false);
    expect(cursor?.epoch).not.toBe("");
    const again = first(session.watchProviders({ service, from: cursor! }, { timeoutMs: 50 }));
    expect(await failureOf(again)).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    const stale = { epoch: "another", revision: 1n };
    expect(await first(session.watchProviders({ service, from: stale }))).toMatchObject({ snapshot: true });
  });

  it("is for what the manifest requires", async () => {
    await start();
    const watch = first(ctx.client(HostSessionService).watchProviders({ service: B.typeName }));
    expect(await failureOf(watch)).toEqual({
      reason: "NOT_REQUIRED",
      message:
        'plugin "asker" asks who provides b.v1.TextService, which its manifest does not require; add it to "requires"',
    });
  });

  it("takes a range that is one", async () => {
    await start();
    const session = ctx.client(HostSessionService);
    expect(await first(session.watchProviders({ service, range: "^2.0.0" }))).toMatchObject({
      providers: [],
    });
    expect(await failureOf(first(session.watchProviders({ service, range: "two" })))).toEqual({
      reason: "MESSAGE_INVALID",
      message: 'range must be a semver range such as ^1.2.0, but is "two"',
    });
  });

  it("is bounded", async () => {
    await start();
    const session = ctx.client(HostSessionService);
    const enough = new AbortController();
    setMaxListeners(100, enough.signal);
    const open = Array.from({ length: 100 }, async () => {
      for await (const _ of session.watchProviders({ service }, { signal: enough.signal }))
        await Promise.resolve();
    });
    for (const one of open) one.catch(() => undefined);
    await expect
      .poll(() => failureOf(first(session.watchProviders({ service }))))
      .toEqual({
        reason: "TOO_MANY_CALLS",
        message: 'plugin "asker" watches 100 services already, which is as many as it may; end a watch first',
      });
    enough.abort();
    await Promise.allSettled(open);
    await expect
      .poll(async () => (await first(session.watchProviders({ service }))).providers.length)
      .toBe(1);
  });

  it("asks policy", async () => {
    const { createFailure } = await import("@connect-plugin/protocol");
    await start({
      authorize: (_principal, action) =>
        action.kind === "watch"
          ? { allow: false, failure: createFailure("NOT_REQUIRED", "not for you") }
          : { allow: true },
    });
    const watch = first(ctx.client(HostSessionService).watchProviders({ service }));
    expect(await failureOf(watch)).toMatchObject({ message: "not for you" });
  });
});

describe("the registry in Go's words", () => {
  it("finds a provider", async () => {
    const { host } = await start();
    const registry = ctx.client(ServiceRegistry);
    const { runtimeId } = host.status().plugins[0]!;
    expect(await registry.discoverService({ service })).toMatchObject({
      singleProvider: true,
      endpoint: {
        providerId: runtimeId,
        version: "1.0.0",
        endpointUrl: `/services/a.v1.TextService/${runtimeId}`,
      },
    });
    expect(await registry.discoverService({ serviceType: service, minVersion: "1.0.0" })).toMatchObject({
      singleProvider: true,
    });
    expect(await failureOf(registry.discoverService({ service, minVersion: "1.0.1" }))).toEqual({
      reason: "NO_PROVIDER",
      message:
        'nobody provides a.v1.TextService in the version that plugin "asker" asks for; there are 1 providers of any version',
    });
    expect(await failureOf(registry.discoverService({ serviceType: "text" }))).toMatchObject({
      reason: "MESSAGE_INVALID",
      message:
        'service_type "text" does not say which Protobuf service is meant; set service to its full name',
    });
  });

  it("tells the state of a service", async () => {
    await start();
    const event = await first(ctx.client(ServiceRegistry).watchService({ service, serviceType: "text" }));
    expect(event).toMatchObject({ serviceType: "text", state: ServiceState.AVAILABLE, snapshot: false });
  });

  it("takes no more than the manifest says", async () => {
    const { host } = await start();
    const registry = ctx.client(ServiceRegistry);
    const { runtimeId } = host.status().plugins[1]!;
    expect(
      await registry.registerService({ serviceType: "text", endpointPath: "/b.v1.TextService/" }),
    ).toMatchObject({
      registrationId: `${runtimeId}/b.v1.TextService`,
    });
    expect(await failureOf(registry.registerService({ service }))).toEqual({
      reason: "SERVICE_NOT_DECLARED",
      message:
        'plugin "asker" registers "a.v1.TextService", which its manifest does not provide; add it to "provides"',
    });
    expect(await failureOf(registry.unregisterService({ registrationId: "x" }))).toMatchObject({
      reason: "UNKNOWN_METHOD",
    });
  });
});

describe("what has ended", () => {
  it("calls nothing any more", async () => {
    const { host } = await start();
    const before = ctx;
    await host.restart("asker");
    expect(ctx).not.toBe(before);
    expect(await failureOf(before.client(A).say({ value: "x" }))).toMatchObject({
      reason: expect.stringMatching(/CONNECTION_CLOSED|CREDENTIAL_INVALID|PROVIDER_STOPPED/),
    });
    expect((await ctx.client(A).say({ value: "x" })).value).toBe("you said x");
  });
});
