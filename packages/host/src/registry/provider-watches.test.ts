import {
  HealthState,
  HostSessionService,
  type RequiredService,
  type WatchProvidersResponse,
} from "@connect-plugin/protocol";
import { createServiceClient, failureInfo } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createPrincipals } from "../auth/principals.js";
import { createRecord } from "./fixtures/provider-record.js";
import { createTestRegistry, type TestRegistry } from "./fixtures/test-registry.js";
import {
  createProviderWatches,
  type ProviderWatches,
  type ProviderWatchesOptions,
} from "./provider-watches.js";

const service = "kv.v1.Kv";
const principals = createPrincipals();
const api = principals.plugin({ plugin: "api", instanceId: "api-1" });

function need(wanted: string): RequiredService {
  return { key: "key", service: wanted, range: "*", arity: "each", methods: [] };
}

function serve({ registry }: TestRegistry, options: Partial<ProviderWatchesOptions> = {}): ProviderWatches {
  return createProviderWatches({ registry, ...options });
}

function clientOf(watches: ProviderWatches, requires?: readonly RequiredService[]) {
  return createServiceClient(HostSessionService, watches.serviceFor(api, requires));
}

function startOf(stream: AsyncIterable<WatchProvidersResponse>): AsyncIterator<WatchProvidersResponse> {
  return stream[Symbol.asyncIterator]();
}

async function failureOf(stream: AsyncIterable<WatchProvidersResponse>) {
  const error: unknown = await startOf(stream)
    .next()
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof ConnectError)) throw new Error("expected a ConnectError");
  return { code: error.code, message: error.rawMessage, reason: failureInfo(error)?.reason };
}

describe("WatchProviders", () => {
  test("tells plugins, not instances, and how they are", async () => {
    const world = createTestRegistry();
    world.register(createRecord({ plugin: "fs", instanceId: "fs-1", version: "1.9.0", health: "unhealthy" }));
    world.register(createRecord({ plugin: "fs", instanceId: "fs-2", version: "1.10.0", health: "degraded" }));
    world.register(createRecord({ plugin: "s3", instanceId: "s3-1", health: "unhealthy" }));
    world.register(createRecord({ plugin: "old", instanceId: "old-1", version: "0.9.0" }));
    const reader = startOf(clientOf(serve(world)).watchProviders({ service, range: "^1.0.0" }));
    const { value } = await reader.next();
    expect(value).toMatchObject({ cursor: { epoch: "e1", revision: 4n }, snapshot: false });
    expect(value?.providers).toMatchObject([
      { plugin: "fs", version: "1.10.0", available: true, health: HealthState.DEGRADED },
      { plugin: "s3", version: "1.0.0", available: false, health: HealthState.UNHEALTHY },
    ]);
    await reader.return?.();
  });

  test("tells again with every change, and goes on from a cursor", async () => {
    const world = createTestRegistry();
    const client = clientOf(serve(world));
    const reader = startOf(client.watchProviders({ service }));
    const first = await reader.next();
    expect(first.value?.providers).toEqual([]);
    const second = reader.next();
    world.register(createRecord());
    expect((await second).value).toMatchObject({ providers: [{ plugin: "kv", available: true }] });
    await reader.return?.();
    world.registry.append({ type: "health", instanceId: "kv-1", health: "unhealthy" });
    world.registry.append({ type: "unregistered", instanceId: "kv-1", reason: "test" });
    const from = first.value?.cursor;
    if (from === undefined) throw new Error("expected a cursor");
    const resumed = startOf(client.watchProviders({ service, from }));
    expect((await resumed.next()).value).toMatchObject({
      cursor: { revision: 3n },
      snapshot: true,
      providers: [],
    });
    await resumed.return?.();
  });

  test("does not tell a plugin of itself", async () => {
    const world = createTestRegistry();
    world.register(createRecord({ plugin: "api", instanceId: "api-1" }));
    world.register(createRecord());
    const reader = startOf(clientOf(serve(world)).watchProviders({ service }));
    expect((await reader.next()).value?.providers.map(({ plugin }: { plugin: string }) => plugin)).toEqual([
      "kv",
    ]);
    await reader.return?.();
  });

  test("ends with its caller, and leaves nothing behind", async () => {
    const world = createTestRegistry();
    const watches = serve(world);
    const controller = new AbortController();
    const reader = startOf(clientOf(watches).watchProviders({ service }, { signal: controller.signal }));
    await reader.next();
    expect([watches.size, world.registry.watches]).toEqual([1, 1]);
    const next = reader.next();
    controller.abort();
    await expect(next).rejects.toThrow();
    await expect.poll(() => [watches.size, world.registry.watches]).toEqual([0, 0]);
  });

  test("tells only of what the manifest requires", async () => {
    const client = clientOf(serve(createTestRegistry()), [need("other.v1.Other")]);
    expect(await failureOf(client.watchProviders({ service }))).toEqual({
      code: 7,
      message: 'plugin "api" watches "kv.v1.Kv", which its manifest does not require; add it to "requires"',
      reason: "NOT_REQUIRED",
    });
  });

  test("refuses a range that is none", async () => {
    expect(
      await failureOf(clientOf(serve(createTestRegistry())).watchProviders({ service, range: "new" })),
    ).toEqual({
      code: 3,
      message: 'range: wanted a range of versions such as ^1.0.0, got "new"',
      reason: "MESSAGE_INVALID",
    });
  });

  test("asks the policy", async () => {
    const asked: unknown[] = [];
    const failure = {
      code: 7,
      message: "no",
      info: undefined,
      details: [],
      metadata: [],
      notDelivered: false,
    };
    const watches = serve(createTestRegistry(), {
      authorize: (principal, action) => {
        asked.push(principal, action);
        return { allow: false, failure };
      },
    });
    expect(await failureOf(clientOf(watches).watchProviders({ service }))).toMatchObject({
      code: 7,
      message: "no",
    });
    expect(asked).toEqual([api, { kind: "watch", service }]);
  });

  test("f-6-1: bounds the watches of a plugin and of a service, and gives places back", async () => {
    const world = createTestRegistry();
    const watches = serve(world, { limits: { perPlugin: 2, perService: 3 } });
    const mine = clientOf(watches);
    const open = [startOf(mine.watchProviders({ service })), startOf(mine.watchProviders({ service }))];
    for (const reader of open) await reader.next();
    expect(await failureOf(mine.watchProviders({ service }))).toEqual({
      code: 8,
      message: 'plugin "api" has 2 watches already, which is as many as may be; end one first',
      reason: "TOO_MANY_CALLS",
    });
    const other = principals.plugin({ plugin: "other", instanceId: "other-1" });
    const theirs = createServiceClient(HostSessionService, watches.serviceFor(other));
    const third = startOf(theirs.watchProviders({ service }));
    await third.next();
    expect(await failureOf(theirs.watchProviders({ service }))).toMatchObject({
      code: 8,
      message: "kv.v1.Kv is watched 3 times already, which is as many as may be; end one first",
    });
    await open[0]?.return?.();
    await expect.poll(() => watches.size).toBe(2);
    const again = startOf(mine.watchProviders({ service }));
    await again.next();
    for (const reader of [...open, third, again]) await reader.return?.();
    await expect.poll(() => watches.size).toBe(0);
  });

  test("a plugin may watch all that it requires", async () => {
    const requires = Array.from({ length: 12 }, (_, index) => need(`a${index}.v1.A`));
    const client = clientOf(serve(createTestRegistry(), { limits: { perPlugin: 1 } }), requires);
    const readers = requires.map((one) => startOf(client.watchProviders({ service: one.service })));
    for (const reader of readers) expect((await reader.next()).done).toBe(false);
    for (const reader of readers) await reader.return?.();
  });
});
