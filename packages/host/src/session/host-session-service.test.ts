import {
  createFailure,
  HealthState,
  HostSessionService,
  type Manifest,
  type WatchProvidersResponse,
} from "@connect-plugin/protocol";
import { createServiceClient, failureInfo } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { createPrincipals } from "../auth/principals.js";
import { createRecord } from "../registry/fixtures/provider-record.js";
import { createTestRegistry, type TestRegistry } from "../registry/fixtures/test-registry.js";
import { createHostServices, type HostServicesOptions } from "./host-services.js";

const service = "kv.v1.Kv";
const api = createPrincipals().plugin({ plugin: "api", instanceId: "api-1" });

/** A client of the service that the host has for plugin `api`, which requires what is listed. */
function clientFor(
  { registry }: TestRegistry,
  required: readonly string[] = [service],
  authorize: HostServicesOptions["authorize"] = undefined,
) {
  const requires = required.map(
    (one) => ({ key: "key", service: one, range: "*", arity: "each", methods: [] }) as const,
  );
  const manifest: Manifest = {
    name: "api",
    version: "1.0.0",
    provides: [],
    requires,
    instances: "many",
    sdk: { name: "sdk", version: "1.0.0" },
  };
  const services = createHostServices(
    { registry, authorize, onError: () => {} },
    { principal: api, manifest, reportHealth: () => {} },
  );
  const handler = services.get(HostSessionService.typeName);
  if (handler === undefined) throw new Error("the host has no session service");
  return createServiceClient(HostSessionService, handler);
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
    const reader = startOf(clientFor(world).watchProviders({ service, range: "^1.0.0" }));
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
    const client = clientFor(world);
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
    const reader = startOf(clientFor(world).watchProviders({ service }));
    expect((await reader.next()).value?.providers.map(({ plugin }: { plugin: string }) => plugin)).toEqual([
      "kv",
    ]);
    await reader.return?.();
  });

  test("ends with its caller, and leaves nothing behind", async () => {
    const world = createTestRegistry();
    const controller = new AbortController();
    const reader = startOf(clientFor(world).watchProviders({ service }, { signal: controller.signal }));
    await reader.next();
    expect(world.registry.watches).toBe(1);
    const next = reader.next();
    controller.abort();
    await expect(next).rejects.toThrow();
    await expect.poll(() => world.registry.watches).toBe(0);
  });

  test("tells only of what the manifest requires", async () => {
    const client = clientFor(createTestRegistry(), ["other.v1.Other"]);
    expect(await failureOf(client.watchProviders({ service }))).toEqual({
      code: 7,
      message:
        'plugin "api" asks who provides kv.v1.Kv, which its manifest does not require; add it to "requires"',
      reason: "NOT_REQUIRED",
    });
  });

  test("refuses a range that is none", async () => {
    expect(
      await failureOf(clientFor(createTestRegistry()).watchProviders({ service, range: "new" })),
    ).toEqual({
      code: 3,
      message: 'range must be a semver range such as ^1.2.0, but is "new"',
      reason: "MESSAGE_INVALID",
    });
  });

  test("asks the policy", async () => {
    const asked: unknown[] = [];
    const failure = createFailure("NOT_REQUIRED", "not on Sundays");
    const client = clientFor(createTestRegistry(), [service], (principal, action) => {
      asked.push(principal, action);
      return { allow: false, failure };
    });
    expect(await failureOf(client.watchProviders({ service }))).toMatchObject({
      code: 7,
      message: "not on Sundays",
    });
    expect(asked).toEqual([api, { kind: "watch", service }]);
  });

  test("f-6-1: bounds the watches of a plugin, and gives places back", async () => {
    const world = createTestRegistry();
    const client = clientFor(world);
    const readers = Array.from({ length: 100 }, () => startOf(client.watchProviders({ service })));
    for (const reader of readers) await reader.next();
    expect(await failureOf(client.watchProviders({ service }))).toEqual({
      code: 8,
      message: 'plugin "api" watches 100 services already, which is as many as it may; end a watch first',
      reason: "TOO_MANY_CALLS",
    });
    await readers[0]?.return?.();
    await expect.poll(() => world.registry.watches).toBe(99);
    readers[0] = startOf(client.watchProviders({ service }));
    expect((await readers[0].next()).done).toBe(false);
    for (const reader of readers) await reader.return?.();
    await expect.poll(() => world.registry.watches).toBe(0);
  });
});
