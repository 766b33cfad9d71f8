import { describe, expect, test } from "vitest";
import { createRecord } from "./fixtures/provider-record.js";
import { createTestRegistry, type TestRegistry } from "./fixtures/test-registry.js";
import type { Lease } from "./record.js";
import type { ProviderQuery } from "./selection.js";

const service = "kv.v1.Kv";

function leaseOf({ registry }: TestRegistry, query: Partial<ProviderQuery> = {}): Lease {
  const selection = registry.pick({ service, ...query });
  if (selection.kind === "failure") throw new Error(selection.failure.message);
  return selection.lease;
}

function failureOf({ registry }: TestRegistry, query: Partial<ProviderQuery> = {}) {
  const selection = registry.pick({ service, ...query });
  if (selection.kind === "lease") throw new Error("expected a failure");
  expect(registry.obstacle({ service, ...query })).toEqual(selection.failure);
  return selection.failure;
}

/** Plugins `fs` (1.0.0) and `s3` (2.1.0) both provide the service. */
function twoPlugins(): TestRegistry {
  const test = createTestRegistry({ knowsPlugin: (name) => ["fs", "s3", "off"].includes(name) });
  test.register(createRecord({ plugin: "s3", instanceId: "s3-1", version: "2.1.0" }));
  test.register(createRecord({ plugin: "fs", instanceId: "fs-1" }));
  return test;
}

describe("which plugin", () => {
  test("the only one there is", () => {
    const test = createTestRegistry();
    test.register(createRecord());
    expect(leaseOf(test).record.plugin).toBe("kv");
    expect(test.registry.obstacle({ service })).toBeUndefined();
  });

  test("none: says what is missing", () => {
    expect(failureOf(createTestRegistry())).toMatchObject({
      code: 14,
      message: "no running plugin provides kv.v1.Kv; add a plugin that does, or see why it is not running",
      info: { reason: "NO_PROVIDER", facts: { service } },
    });
  });

  test("several and none chosen: says which and how to choose", () => {
    expect(failureOf(twoPlugins())).toMatchObject({
      code: 9,
      message:
        'kv.v1.Kv is provided by several plugins: fs, s3; choose one with "prefer" in the host\'s configuration, or name the plugin in the call',
      info: { reason: "AMBIGUOUS_PROVIDER", facts: { service, candidates: "fs, s3" } },
    });
  });

  test("the target of the call", () => {
    expect(leaseOf(twoPlugins(), { target: "s3" }).record.plugin).toBe("s3");
    expect(leaseOf(twoPlugins(), { target: "s3", prefer: "fs" }).record.plugin).toBe("s3");
  });

  test("a target that there is not", () => {
    expect(failureOf(twoPlugins(), { target: "s4\n" })).toMatchObject({
      code: 5,
      message: 'there is no plugin "s4\\n" to call kv.v1.Kv of; it is provided by fs, s3',
      info: { reason: "UNKNOWN_PLUGIN" },
    });
  });

  test("a target that does not provide it now", () => {
    expect(failureOf(twoPlugins(), { target: "off" })).toMatchObject({
      code: 14,
      message: 'plugin "off" does not provide kv.v1.Kv now; it is provided by fs, s3',
      info: { reason: "NO_PROVIDER", facts: { plugin: "off", providers: "fs, s3" } },
    });
  });

  test("the one that the operator prefers", () => {
    expect(leaseOf(twoPlugins(), { prefer: "fs" }).record.plugin).toBe("fs");
  });

  test("not another one while the preferred one is away", async () => {
    const test = twoPlugins();
    await test.close("fs-1");
    expect(failureOf(test, { prefer: "fs" })).toMatchObject({
      message:
        'plugin "fs", which the operator prefers for kv.v1.Kv, does not provide it now; it is provided by s3',
      info: { reason: "NO_PROVIDER" },
    });
  });

  test("not the caller itself, unless it says so", () => {
    const test = twoPlugins();
    expect(leaseOf(test, { callerPlugin: "fs" }).record.plugin).toBe("s3");
    expect(leaseOf(test, { callerPlugin: "fs", prefer: "fs" }).record.plugin).toBe("s3");
    expect(leaseOf(test, { callerPlugin: "fs", target: "fs" }).record.plugin).toBe("fs");
  });

  test("nobody but the caller", () => {
    const test = createTestRegistry();
    test.register(createRecord());
    expect(failureOf(test, { callerPlugin: "kv" })).toMatchObject({
      message:
        'nobody but the caller, plugin "kv", provides kv.v1.Kv; add a plugin that does, or see why it is not running',
      info: { reason: "NO_PROVIDER" },
    });
  });
});

describe("which version", () => {
  test("decides between plugins", () => {
    expect(leaseOf(twoPlugins(), { range: "^2.0.0" }).record.plugin).toBe("s3");
    expect(leaseOf(twoPlugins(), { range: "^1.0.0" }).record.plugin).toBe("fs");
    expect(failureOf(twoPlugins(), { range: "^1.0.0 || ^2.0.0" }).info?.reason).toBe("AMBIGUOUS_PROVIDER");
  });

  test("takes alternatives that together are longer than a range may be", () => {
    const alternatives = Array.from({ length: 40 }, (_, index) => `3.0.${index}`).join(" || ");
    expect(leaseOf(twoPlugins(), { range: `${alternatives} || ^1` }).record.plugin).toBe("fs");
  });

  test("that nobody has: says what there is", () => {
    expect(failureOf(twoPlugins(), { range: "^3.0.0" })).toMatchObject({
      code: 9,
      message:
        'kv.v1.Kv is wanted in version "^3.0.0", but there is only 1.0.0 (plugin "fs"), 2.1.0 (plugin "s3")',
      info: { reason: "VERSION_NOT_PROVIDED", facts: { service, range: "^3.0.0" } },
    });
    expect(failureOf(twoPlugins(), { range: "^1.0.0", target: "s3" })).toMatchObject({
      message: 'kv.v1.Kv is wanted in version "^1.0.0", but there is only 2.1.0 (plugin "s3")',
      info: { reason: "VERSION_NOT_PROVIDED" },
    });
  });

  test("chooses among the instances of a plugin", () => {
    const test = createTestRegistry();
    test.register(createRecord({ instanceId: "kv-1", version: "1.0.0" }));
    test.register(createRecord({ instanceId: "kv-2", version: "2.0.0" }));
    for (let count = 0; count < 3; count++)
      expect(leaseOf(test, { range: "^2" }).record.instanceId).toBe("kv-2");
  });
});

describe("health", () => {
  test("unhealthy instances get no calls, degraded ones do", () => {
    const test = createTestRegistry();
    test.register(createRecord({ instanceId: "kv-1", health: "unhealthy" }));
    test.register(createRecord({ instanceId: "kv-2", health: "degraded" }));
    for (let count = 0; count < 3; count++) expect(leaseOf(test).record.instanceId).toBe("kv-2");
  });

  test("nobody healthy: says who is not", () => {
    const test = createTestRegistry();
    test.register(createRecord());
    test.registry.append({ type: "health", instanceId: "kv-1", health: "unhealthy" });
    expect(failureOf(test)).toMatchObject({
      code: 14,
      message:
        'plugin "kv" provides kv.v1.Kv but says that it is unhealthy, so it gets no calls until it has recovered; see its status for why',
      info: { reason: "PROVIDER_UNHEALTHY", facts: { service, plugin: "kv" } },
    });
    test.registry.append({ type: "health", instanceId: "kv-1", health: "healthy" });
    expect(leaseOf(test).record.instanceId).toBe("kv-1");
  });

  test("does not move calls to another plugin", () => {
    const test = twoPlugins();
    test.registry.append({ type: "health", instanceId: "fs-1", health: "unhealthy" });
    expect(failureOf(test).info?.reason).toBe("AMBIGUOUS_PROVIDER");
    expect(failureOf(test, { prefer: "fs" }).info?.reason).toBe("PROVIDER_UNHEALTHY");
  });
});

describe("which instance", () => {
  function twoInstances(strategy?: "least-loaded"): TestRegistry {
    const test = createTestRegistry(strategy === undefined ? {} : { strategyOf: () => strategy });
    test.register(createRecord({ instanceId: "kv-1" }));
    test.register(createRecord({ instanceId: "kv-2" }));
    return test;
  }

  test("each in turn, whoever asks", () => {
    const test = twoInstances();
    const one = test.registry.selector({ service });
    const other = test.registry.selector({ service, callerPlugin: "api" });
    const picked = [one, other, one, other].map((selector) => {
      const selection = selector.pick();
      return selection.kind === "lease" ? selection.lease.record.instanceId : "";
    });
    expect(picked).toEqual(["kv-1", "kv-2", "kv-1", "kv-2"]);
  });

  test("not the one that has just proven unreachable", () => {
    const selector = twoInstances().registry.selector({ service });
    for (let count = 0; count < 3; count++) {
      const selection = selector.pick("kv-1");
      expect(selection.kind === "lease" && selection.lease.record.instanceId).toBe("kv-2");
    }
  });

  test("none is left when the only one has proven unreachable", () => {
    const test = createTestRegistry();
    test.register(createRecord());
    expect(test.registry.selector({ service }).pick("kv-1")).toMatchObject({
      kind: "failure",
      failure: {
        code: 14,
        message: 'plugin "kv" provides kv.v1.Kv, but no instance of it can be reached',
        info: { reason: "PROVIDER_GONE" },
      },
    });
  });

  test("least-loaded goes by leases", () => {
    const test = twoInstances("least-loaded");
    const leases = [leaseOf(test), leaseOf(test), leaseOf(test)];
    const busy = leases.map(({ record }) => record.instanceId);
    expect(busy.toSorted()).toEqual(["kv-1", "kv-1", "kv-2"]);
    for (const lease of leases) if (lease.record.instanceId === "kv-1") lease.release();
    expect(leaseOf(test).record.instanceId).toBe("kv-1");
  });

  test("follows the view, also through a selector that was made before", async () => {
    const test = twoInstances();
    const selector = test.registry.selector({ service });
    selector.pick();
    await test.close("kv-2");
    for (let count = 0; count < 3; count++) {
      const selection = selector.pick();
      expect(selection.kind === "lease" && selection.lease.record.instanceId).toBe("kv-1");
    }
    await test.close("kv-1");
    expect(selector.pick()).toMatchObject({ kind: "failure", failure: { info: { reason: "NO_PROVIDER" } } });
  });
});

describe("leases", () => {
  test("count, and count down once", async () => {
    const test = createTestRegistry();
    test.register(createRecord());
    const first = leaseOf(test);
    const second = leaseOf(test);
    expect(test.registry.inFlight("kv-1")).toBe(2);
    first.release();
    first.release();
    expect(test.registry.inFlight("kv-1")).toBe(1);
    second.release();
    expect(test.registry.inFlight("kv-1")).toBe(0);
    await test.registry.drained("kv-1");
  });

  test("an instance is drained when the last one is released", async () => {
    const test = createTestRegistry();
    test.register(createRecord());
    const leases = [leaseOf(test), leaseOf(test)];
    let drained = false;
    const settled = test.registry.drained("kv-1").then(() => {
      drained = true;
    });
    test.registry.append({ type: "unregistered", instanceId: "kv-1", reason: "draining" });
    leases[0]?.release();
    await Promise.resolve();
    expect(drained).toBe(false);
    leases[1]?.release();
    await settled;
    expect(drained).toBe(true);
  });

  test("outlive the connection and leave nothing behind", async () => {
    const test = createTestRegistry();
    test.register(createRecord());
    const lease = leaseOf(test);
    await test.close("kv-1");
    expect(test.registry.inFlight("kv-1")).toBe(1);
    lease.release();
    expect(test.registry.inFlight("kv-1")).toBe(0);
    // Its place is free again: nothing of the instance is kept.
    expect(() => test.attach("kv-1")).not.toThrow();
  });

  test("an unknown instance is drained", async () => {
    await expect(createTestRegistry().registry.drained("nobody")).resolves.toBeUndefined();
  });
});
