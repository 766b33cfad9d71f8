import { type CallHandler, createFailure } from "@connect-plugin/protocol";
import { describe, expect, test, vi } from "vitest";
import {
  createScriptedProvider,
  type MadeCall,
  makeCall,
  type ScriptedProvider,
} from "./fixtures/call-script.js";
import { createTestRouter, need, type TestRouter } from "./fixtures/test-router.js";

// Calls that are made for other calls: api calls kv, and kv, while it answers, calls disk.

const cancelled = createFailure("CANCELLED", "changed my mind");

function apiKvDisk(...options: Parameters<typeof createTestRouter>) {
  const world = createTestRouter(...options);
  const kv = world.provide();
  const disk = world.provide({ plugin: "disk", service: "disk.v1.Disk" });
  return {
    ...world,
    kv: kv.provider,
    disk: disk.provider,
    api: world.caller("api", need()),
    kvCalls: world.callsOf(kv.principal, need("disk.v1.Disk")),
  };
}

function callFor(
  handler: CallHandler,
  parent: number | undefined,
  deadline = Number.POSITIVE_INFINITY,
): MadeCall {
  return makeCall(handler, { service: "disk.v1.Disk", parent, deadline });
}

function idOf(provider: ScriptedProvider): number {
  const { id } = provider.last().head;
  if (id === undefined) throw new Error("the call has no id");
  return id;
}

function expectNothingLeft({ router, registry }: Pick<TestRouter, "router" | "registry">): void {
  expect(router.size).toBe(0);
  expect([registry.inFlight("kv-1"), registry.inFlight("disk-1")]).toEqual([0, 0]);
}

describe("the chain", () => {
  test("says who calls and for whom, nearest first", () => {
    const world = apiKvDisk();
    makeCall(world.api);
    callFor(world.kvCalls, idOf(world.kv));
    const { chain } = world.disk.last().head;
    expect([chain?.caller.name, chain?.behind?.caller.name, chain?.behind?.behind]).toEqual([
      "kv",
      "api",
      undefined,
    ]);
    expect(chain?.depth).toBe(2);
    expect(chain?.behind).toBe(world.kv.last().head.chain);
  });

  test("is the same object for the same callers", () => {
    const world = apiKvDisk();
    makeCall(world.api);
    callFor(world.kvCalls, idOf(world.kv));
    const first = world.disk.last().head.chain;
    makeCall(world.api);
    callFor(world.kvCalls, idOf(world.kv));
    expect(world.disk.last().head.chain).toBe(first);
  });

  test("is only the caller where a call is made for nobody", () => {
    const world = apiKvDisk();
    makeCall(world.api);
    callFor(world.kvCalls, undefined);
    expect(world.disk.last().head.chain).toMatchObject({
      caller: { name: "kv" },
      behind: undefined,
      depth: 1,
    });
  });
});

describe("a parent", () => {
  function refusedFor(handler: CallHandler, parent: number): void {
    const call = callFor(handler, parent);
    expect(call.failure()).toMatchObject({
      code: 7,
      message: `call ${parent}, for which this call is said to be made, is not in flight to plugin "kv"; make calls before the handler returns, or detach them`,
      info: {
        reason: "PARENT_NOT_IN_FLIGHT",
        fault: "caller",
        facts: { caller: "kv", parent: String(parent) },
      },
    });
  }

  test("g-19: must be in flight to the caller: not unknown, not over, not another's", () => {
    const world = apiKvDisk();
    refusedFor(world.kvCalls, 4711);
    refusedFor(world.kvCalls, -1);
    refusedFor(world.kvCalls, Number.NaN);

    makeCall(world.api);
    const over = idOf(world.kv);
    world.kv.last().responses.end([], undefined);
    refusedFor(world.kvCalls, over);

    // In flight, but to disk.
    makeCall(world.caller("web", need("disk.v1.Disk")), { service: "disk.v1.Disk" });
    refusedFor(world.kvCalls, idOf(world.disk));

    // Made by kv itself, not to it.
    callFor(world.kvCalls, undefined);
    refusedFor(world.kvCalls, idOf(world.disk));
    expect(world.disk.calls).toHaveLength(2);
  });

  test("g-19: another instance of the same plugin is another", () => {
    const world = createTestRouter({}, { strategyOf: () => "first" });
    const first = world.provide({ instanceId: "kv-1" });
    const second = world.provide({ instanceId: "kv-2" });
    world.provide({ plugin: "disk", service: "disk.v1.Disk" });
    makeCall(world.caller("api", need()));
    const id = idOf(first.provider);
    refusedFor(world.callsOf(second.principal, need("disk.v1.Disk")), id);
    expect(callFor(world.callsOf(first.principal, need("disk.v1.Disk")), id).ended).toBe(false);
  });

  test("g-19: a call that was repeated at another instance is in flight to that one", () => {
    const world = createTestRouter({}, { strategyOf: () => "first" });
    const first = world.provide({ instanceId: "kv-1" });
    const second = world.provide({ instanceId: "kv-2" });
    world.provide({ plugin: "disk", service: "disk.v1.Disk" });
    makeCall(world.caller("api", need()));
    first.provider
      .last()
      .responses.end([], createFailure("CONNECTION_CLOSED", "closed", { notDelivered: true }));
    const id = idOf(second.provider);
    refusedFor(world.callsOf(first.principal, need("disk.v1.Disk")), id);
    expect(callFor(world.callsOf(second.principal, need("disk.v1.Disk")), id).ended).toBe(false);
  });
});

describe("depth", () => {
  test("is bounded, so that plugins cannot call in a circle for ever", () => {
    const world = createTestRouter({ limits: { depth: 3 } });
    const { principal, provider } = world.provide();
    const kvCalls = world.callsOf(principal, need());
    makeCall(world.caller("api", need()));
    for (let depth = 2; depth <= 3; depth++) {
      expect(makeCall(kvCalls, { parent: idOf(provider), target: "kv" }).ended).toBe(false);
      expect(provider.last().head.chain?.depth).toBe(depth);
    }
    expect(makeCall(kvCalls, { parent: idOf(provider), target: "kv" }).failure()).toMatchObject({
      code: 8,
      message:
        'a call of plugin "kv" would be made for more than 2 others, each for the next; look for plugins that call each other in a circle',
      info: { reason: "CALL_DEPTH_EXCEEDED", facts: { caller: "kv", limit: "3" } },
    });
  });

  test("is 16 unless told otherwise", () => {
    const world = createTestRouter();
    const { principal, provider } = world.provide();
    const kvCalls = world.callsOf(principal, need());
    makeCall(kvCalls, { target: "kv" });
    for (;;) {
      const call = makeCall(kvCalls, { parent: idOf(provider), target: "kv" });
      if (!call.ended) continue;
      expect(call.failure()?.info?.reason).toBe("CALL_DEPTH_EXCEEDED");
      break;
    }
    expect(provider.calls).toHaveLength(16);
  });
});

describe("deadlines", () => {
  test("are the smaller of the call's own and its parent's", () => {
    const world = apiKvDisk();
    const soon = performance.now() + 60_000;
    makeCall(world.api, { deadline: soon });
    callFor(world.kvCalls, idOf(world.kv), soon + 1);
    expect(world.disk.last().head.deadline).toBe(soon);
    callFor(world.kvCalls, idOf(world.kv), soon - 1);
    expect(world.disk.last().head.deadline).toBe(soon - 1);
    callFor(world.kvCalls, idOf(world.kv));
    expect(world.disk.last().head.deadline).toBe(soon);
  });

  test("end a whole tree", () => {
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      const world = apiKvDisk();
      const parent = makeCall(world.api, { deadline: performance.now() + 50 });
      const child = callFor(world.kvCalls, idOf(world.kv));
      vi.advanceTimersByTime(100);
      expect(parent.failure()?.info?.reason).toBe("DEADLINE_EXCEEDED");
      expect(child.ended).toBe(true);
      expect(world.disk.last().seen).toHaveLength(1);
      expectNothingLeft(world);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("cancelling a parent", () => {
  test("cancels what was made for it, down to the leaves", () => {
    const world = apiKvDisk();
    const parent = makeCall(world.api);
    const id = idOf(world.kv);
    const children = [callFor(world.kvCalls, id), callFor(world.kvCalls, id)];
    const detached = callFor(world.kvCalls, undefined);
    parent.requests.cancel(cancelled);
    for (const child of children) {
      expect(child.failure()).toMatchObject({
        code: 1,
        message: `call ${id}, for which this call was made, was cancelled: changed my mind`,
        info: { reason: "CANCELLED", facts: { parent: String(id) } },
      });
    }
    expect(world.disk.calls.map(({ seen }) => seen)).toEqual([
      ["cancel CANCELLED"],
      ["cancel CANCELLED"],
      [],
    ]);
    expect(detached.ended).toBe(false);
    detached.requests.cancel(cancelled);
    expectNothingLeft(world);
  });

  test("goes through every generation", () => {
    const world = createTestRouter();
    const { principal, provider } = world.provide();
    const kvCalls = world.callsOf(principal, need());
    const first = makeCall(world.caller("api", need()));
    const descendants = Array.from({ length: 10 }, () =>
      makeCall(kvCalls, { parent: idOf(provider), target: "kv" }),
    );
    first.requests.cancel(cancelled);
    expect(descendants.map((call) => call.failure()?.info?.reason)).toEqual(Array(10).fill("CANCELLED"));
    expect(world.router.size).toBe(0);
  });

  test("leaves alone what has ended, and siblings of what has ended", () => {
    const world = apiKvDisk();
    const parent = makeCall(world.api);
    const id = idOf(world.kv);
    const children = [0, 1, 2, 3].map(() => callFor(world.kvCalls, id));
    for (const index of [2, 0]) world.disk.calls[index]?.responses.end([], undefined);
    parent.requests.cancel(cancelled);
    expect(children.map(({ seen }) => seen)).toEqual([
      ["end "],
      ["failed CANCELLED"],
      ["end "],
      ["failed CANCELLED"],
    ]);
    expectNothingLeft(world);
  });

  test("the loss of its caller cancels what was made for it", () => {
    const world = apiKvDisk();
    makeCall(world.api);
    const child = callFor(world.kvCalls, idOf(world.kv));
    world.router.end(world.principals.plugin({ plugin: "api", instanceId: "api-1" }));
    expect(child.failure()?.info?.reason).toBe("CANCELLED");
    expect(world.kv.last().seen).toEqual(["cancel CANCELLED"]);
    expectNothingLeft(world);
  });

  test("while its provider is lost ends everything once", async () => {
    const world = apiKvDisk();
    const parent = makeCall(world.api);
    const child = callFor(world.kvCalls, idOf(world.kv));
    const closing = world.close("disk-1");
    parent.requests.cancel(cancelled);
    await closing;
    await world.close("kv-1");
    expect(parent.seen).toEqual([]);
    expect(child.seen).toEqual(["failed PROVIDER_GONE"]);
    expectNothingLeft(world);
  });

  test("while a child is being given to its provider cancels the child too", () => {
    const world = createTestRouter();
    const kv = world.provide();
    let parent: MadeCall | undefined;
    const disk = createScriptedProvider(() => parent?.requests.cancel(cancelled));
    world.provide({ plugin: "disk", service: "disk.v1.Disk", provider: disk });
    parent = makeCall(world.caller("api", need()));
    const child = callFor(world.callsOf(kv.principal, need("disk.v1.Disk")), idOf(kv.provider));
    expect(child.seen).toEqual(["failed CANCELLED"]);
    expect(disk.last().seen).toEqual(["cancel CANCELLED"]);
    expectNothingLeft(world);
  });
});

describe("a parent that ends by itself", () => {
  test("leaves what was made for it running", () => {
    for (const failure of [undefined, createFailure("HANDLER_FAILED", "broken")]) {
      const world = apiKvDisk();
      makeCall(world.api);
      const child = callFor(world.kvCalls, idOf(world.kv));
      world.kv.last().responses.end([], failure);
      expect(child.ended).toBe(false);
      world.disk.last().responses.end([], undefined);
      expect(child.seen).toEqual(["end "]);
      expectNothingLeft(world);
    }
  });

  test("is nobody's parent any more: cancelling it late reaches nobody", () => {
    const world = apiKvDisk();
    const parent = makeCall(world.api);
    const child = callFor(world.kvCalls, idOf(world.kv));
    world.kv.last().responses.end([], undefined);
    parent.requests.cancel(cancelled);
    expect(child.ended).toBe(false);
  });
});
