import { describe, expect, test } from "vitest";
import { createRecord } from "./fixtures/provider-record.js";
import { createTestRegistry } from "./fixtures/test-registry.js";
import type { ProviderList } from "./provider-watch.js";
import type { Registry, WatchOptions } from "./registry.js";

const service = "kv.v1.Kv";
const kv = createRecord();

function read(registry: Registry, options: WatchOptions = {}): AsyncIterator<ProviderList> {
  return registry.watch({ service, ...options })[Symbol.asyncIterator]();
}

function names(result: IteratorResult<ProviderList>): string {
  return result.value.providers.map((record: { instanceId: string }) => record.instanceId).join(" ");
}

/** Whether a promise settles without anything else happening. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return settled;
}

describe("watch", () => {
  test("tells the present list at once, even an empty one", async () => {
    const { registry } = createTestRegistry();
    const list = { cursor: { epoch: "e1", revision: 0 }, snapshot: false, providers: [] };
    expect(await read(registry).next()).toEqual({ done: false, value: list });
  });

  test("tells a waiting reader of each change, and of nothing else", async () => {
    const { registry, register } = createTestRegistry();
    const reader = read(registry);
    await reader.next();
    const first = reader.next();
    register(createRecord({ service: "other.v1.Other", instanceId: "other-1" }));
    expect(await settles(first)).toBe(false);
    register(kv);
    expect(await first).toMatchObject({
      value: { cursor: { revision: 2 }, snapshot: false, providers: [kv] },
    });
    const second = reader.next();
    registry.append({ type: "health", instanceId: "kv-1", health: "degraded" });
    expect(await second).toMatchObject({ value: { snapshot: false, providers: [{ health: "degraded" }] } });
  });

  test("tells of a range only", async () => {
    const { registry, register } = createTestRegistry();
    const reader = read(registry, { range: "^2" });
    await reader.next();
    const next = reader.next();
    register(kv);
    expect(await settles(next)).toBe(false);
    register(createRecord({ instanceId: "kv-2", version: "2.0.0" }));
    expect(names(await next)).toBe("kv-2");
  });

  test("tells of all services without one", async () => {
    const { registry, register } = createTestRegistry();
    register(kv, createRecord({ service: "kv.v1.Admin" }));
    const list = await registry.watch()[Symbol.asyncIterator]().next();
    expect(list.value?.providers.map((record: { service: string }) => record.service)).toEqual([
      "kv.v1.Admin",
      service,
    ]);
  });

  test("tells a slow reader everything at once, and says so", async () => {
    const { registry, register } = createTestRegistry();
    const reader = read(registry);
    await reader.next();
    register(kv);
    for (const health of ["degraded", "healthy", "unhealthy"] as const) {
      registry.append({ type: "health", instanceId: "kv-1", health });
    }
    expect(await reader.next()).toMatchObject({
      value: { cursor: { revision: 4 }, snapshot: true, providers: [{ health: "unhealthy" }] },
    });
    expect(await settles(reader.next())).toBe(false);
  });

  test("tells one who resumes nothing before something has changed", async () => {
    const { registry, register } = createTestRegistry();
    register(kv);
    const next = read(registry, { from: registry.cursor }).next();
    expect(await settles(next)).toBe(false);
    register(createRecord({ instanceId: "kv-2" }));
    expect(await next).toMatchObject({ value: { snapshot: false } });
  });

  test("tells one who resumes after a change that list, and after several that they were several", async () => {
    const { registry, register } = createTestRegistry();
    register(kv);
    const { cursor } = registry;
    registry.append({ type: "health", instanceId: "kv-1", health: "degraded" });
    expect(await read(registry, { from: cursor }).next()).toMatchObject({ value: { snapshot: false } });
    registry.append({ type: "health", instanceId: "kv-1", health: "healthy" });
    expect(await read(registry, { from: cursor }).next()).toMatchObject({ value: { snapshot: true } });
  });

  test("tells one who comes too late, or from another log, all there is", async () => {
    const { registry, register } = createTestRegistry({ ringSize: 1 });
    register(kv);
    const { cursor } = registry;
    for (const health of ["degraded", "healthy"] as const) {
      registry.append({ type: "health", instanceId: "kv-1", health });
    }
    for (const from of [cursor, { epoch: "e0", revision: 3 }, { epoch: "e1", revision: 99 }]) {
      expect(await read(registry, { from }).next()).toMatchObject({
        value: { snapshot: true, providers: [kv] },
      });
    }
  });

  test("ends when its signal is aborted, and leaves nothing behind", async () => {
    const { registry } = createTestRegistry();
    const controller = new AbortController();
    const reader = read(registry, { signal: controller.signal });
    await reader.next();
    const next = reader.next();
    expect(registry.watches).toBe(1);
    controller.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await reader.next()).toEqual({ done: true, value: undefined });
    expect(registry.watches).toBe(0);
  });

  test("ends at once when its signal was aborted before", async () => {
    const { registry } = createTestRegistry();
    const reader = read(registry, { signal: AbortSignal.abort() });
    expect(registry.watches).toBe(0);
    expect(await reader.next()).toEqual({ done: true, value: undefined });
  });

  test("ends when its reader leaves", async () => {
    const { registry, register } = createTestRegistry();
    register(kv);
    for await (const { providers } of registry.watch({ service })) {
      expect(providers).toEqual([kv]);
      expect(registry.watches).toBe(1);
      break;
    }
    expect(registry.watches).toBe(0);
  });

  test("f-6-2: 100,000 changes and a reader that sleeps: one list, the last one", async () => {
    const { registry, register } = createTestRegistry();
    register(kv);
    const reader = read(registry);
    await reader.next();
    for (let change = 0; change < 100_000; change++) {
      registry.append({
        type: "health",
        instanceId: "kv-1",
        health: change % 2 === 0 ? "degraded" : "healthy",
      });
    }
    expect(await reader.next()).toMatchObject({ value: { cursor: { revision: 100_001 }, snapshot: true } });
    expect(await settles(reader.next())).toBe(false);
  });
});
