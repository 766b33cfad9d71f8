import { describe, expect, test } from "vitest";
import { createRecord } from "./fixtures/provider-record.js";
import { createTestRegistry } from "./fixtures/test-registry.js";

const kv = createRecord();
const admin = createRecord({ service: "kv.v1.Admin", version: "2.1.0" });

describe("append", () => {
  test("adds providers in one step and says so", () => {
    const { registry, events, register } = createTestRegistry();
    const cursor = { epoch: "e1", revision: 1 };
    expect(register(kv, admin)).toEqual({ kind: "appended", cursor });
    expect(registry.cursor).toEqual(cursor);
    expect(registry.providers("kv.v1.Kv")).toEqual([kv]);
    expect(registry.snapshot()).toEqual({ cursor, records: [admin, kv] });
    expect(events).toEqual([
      { type: "service.registered", plugin: "kv", service: "kv.v1.Kv", version: "1.0.0" },
      { type: "service.registered", plugin: "kv", service: "kv.v1.Admin", version: "2.1.0" },
    ]);
  });

  test("refuses to register a service of an instance twice, and takes nothing of the entry", () => {
    const { registry, register } = createTestRegistry();
    register(kv);
    expect(register(admin, createRecord({ version: "1.1.0" }))).toMatchObject({
      kind: "refused",
      failure: {
        code: 6,
        message:
          'plugin "kv" registers kv.v1.Kv twice: an instance offers a service once, under one key and in one version',
        info: {
          reason: "SERVICE_REGISTERED_TWICE",
          fault: "plugin",
          facts: { plugin: "kv", instanceId: "kv-1", service: "kv.v1.Kv" },
        },
      },
    });
    expect(register(admin, admin)).toMatchObject({
      failure: { info: { reason: "SERVICE_REGISTERED_TWICE" } },
    });
    expect(registry.snapshot().records).toEqual([kv]);
    expect(registry.cursor.revision).toBe(1);
  });

  test("refuses an instance that is not connected", async () => {
    const { registry, register, attach, close } = createTestRegistry();
    attach("kv-1");
    await close("kv-1");
    expect(register(kv)).toMatchObject({
      kind: "refused",
      failure: {
        code: 14,
        message: 'kv.v1.Kv of plugin "kv" cannot be registered: the connection of its instance has ended',
        info: { reason: "PROVIDER_GONE", facts: { plugin: "kv", instanceId: "kv-1" } },
      },
    });
    const never = registry.append({
      type: "registered",
      instanceId: "kv-9",
      records: [createRecord({ instanceId: "kv-9" })],
    });
    expect(never).toMatchObject({ failure: { info: { reason: "PROVIDER_GONE" } } });
  });

  test("what changes nothing is no entry", () => {
    const { registry, register, attach } = createTestRegistry();
    register(kv);
    attach("none-1");
    const cursor = registry.cursor;
    for (const entry of [
      { type: "registered", instanceId: "none-1", records: [] },
      { type: "unregistered", instanceId: "none-1", reason: "gone" },
      { type: "health", instanceId: "kv-1", health: "healthy" },
      { type: "health", instanceId: "none-1", health: "degraded" },
      { type: "switched", plugin: "kv", old: "none-1", records: [] },
    ] as const) {
      expect(registry.append(entry)).toEqual({ kind: "appended", cursor });
    }
  });

  test("takes all providers of an instance out when it is unregistered", () => {
    const { registry, events, register } = createTestRegistry();
    register(kv, admin);
    registry.append({ type: "unregistered", instanceId: "kv-1", reason: "it was stopped" });
    expect(registry.snapshot()).toEqual({ cursor: { epoch: "e1", revision: 2 }, records: [] });
    expect(events.slice(2)).toEqual([
      { type: "service.unregistered", plugin: "kv", service: "kv.v1.Kv", reason: "it was stopped" },
      { type: "service.unregistered", plugin: "kv", service: "kv.v1.Admin", reason: "it was stopped" },
    ]);
  });

  test("takes an instance out when its connection ends, without being told", async () => {
    const { registry, events, register, close } = createTestRegistry();
    register(kv);
    await close("kv-1");
    expect(registry.providers("kv.v1.Kv")).toEqual([]);
    expect(registry.cursor.revision).toBe(2);
    expect(events.at(-1)).toEqual({
      type: "service.unregistered",
      plugin: "kv",
      service: "kv.v1.Kv",
      reason: "the connection was closed",
    });
    const again = registry.append({ type: "unregistered", instanceId: "kv-1", reason: "it was stopped" });
    expect(again).toEqual({ kind: "appended", cursor: { epoch: "e1", revision: 2 } });
  });

  test("changes the health of all that an instance provides", () => {
    const { registry, register } = createTestRegistry();
    register(kv, admin);
    registry.append({ type: "health", instanceId: "kv-1", health: "degraded" });
    expect(registry.snapshot().records.map(({ health }) => health)).toEqual(["degraded", "degraded"]);
  });

  test("switches from one instance to another in one step", () => {
    const { registry, events, register, attach } = createTestRegistry();
    register(kv, admin);
    attach("kv-2");
    const next = createRecord({ instanceId: "kv-2", version: "1.1.0" });
    const seen: (readonly string[])[] = [];
    const entry = { type: "switched", plugin: "kv", old: "kv-1", records: [next] } as const;
    registry.append(entry);
    seen.push(registry.providers("kv.v1.Kv").map(({ instanceId }) => instanceId));
    expect(seen).toEqual([["kv-2"]]);
    expect(registry.entriesSince({ epoch: "e1", revision: 1 })).toMatchObject({
      kind: "entries",
      entries: [{ entry }],
    });
    expect(events.slice(2)).toEqual([
      { type: "service.unregistered", plugin: "kv", service: "kv.v1.Kv", reason: "replaced" },
      { type: "service.unregistered", plugin: "kv", service: "kv.v1.Admin", reason: "replaced" },
      { type: "service.registered", plugin: "kv", service: "kv.v1.Kv", version: "1.1.0" },
    ]);
  });

  test("a switch to what is not connected changes nothing", () => {
    const { registry, register } = createTestRegistry();
    register(kv);
    const records = [createRecord({ instanceId: "kv-2" })];
    const refused = registry.append({ type: "switched", plugin: "kv", old: "kv-1", records });
    expect(refused).toMatchObject({ kind: "refused", failure: { info: { reason: "PROVIDER_GONE" } } });
    expect(registry.snapshot().records).toEqual([kv]);
  });

  test("throws at entries that contradict themselves", () => {
    const { registry } = createTestRegistry();
    expect(() => registry.append({ type: "registered", instanceId: "other", records: [kv] })).toThrow(
      new TypeError("records: wanted only those of instance other"),
    );
    expect(() => registry.append({ type: "switched", plugin: "other", old: "x", records: [kv] })).toThrow(
      new TypeError('records: wanted only those of plugin "other"'),
    );
  });
});

describe("attach", () => {
  test("takes an instance once", () => {
    const { attach } = createTestRegistry();
    attach("kv-1");
    expect(() => attach("kv-1")).toThrow(
      new TypeError("instance kv-1 is attached already: each connection is an instance of its own"),
    );
  });
});

describe("entriesSince", () => {
  test("gives what came after a cursor, and nothing for the present one", () => {
    const { registry, register } = createTestRegistry();
    register(kv);
    const { cursor } = registry;
    registry.append({ type: "health", instanceId: "kv-1", health: "degraded" });
    expect(registry.entriesSince(cursor)).toMatchObject({
      kind: "entries",
      entries: [{ cursor: { revision: 2 }, entry: { type: "health", health: "degraded" } }],
    });
    expect(registry.entriesSince(registry.cursor)).toEqual({ kind: "entries", entries: [] });
  });

  test("says when a cursor is of another log, of the future, or older than what is kept", () => {
    const { registry, register } = createTestRegistry({ ringSize: 2 });
    register(kv);
    for (const health of ["degraded", "healthy", "degraded"] as const) {
      registry.append({ type: "health", instanceId: "kv-1", health });
    }
    const since = (epoch: string, revision: number) => registry.entriesSince({ epoch, revision }).kind;
    expect([since("e1", 1), since("e1", 2), since("e1", 4)]).toEqual(["too-old", "entries", "entries"]);
    expect([since("e0", 4), since("e1", 5), since("e1", -1), since("e1", 2.5)]).toEqual(
      Array(4).fill("too-old"),
    );
  });

  test("the ring has at least one place", () => {
    expect(() => createTestRegistry({ ringSize: 0 })).toThrow(
      new RangeError("ringSize: wanted a whole number from 1, got 0"),
    );
  });
});
