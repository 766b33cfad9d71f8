import { type CallFailure, type CallHead, createFailure } from "@connect-plugin/protocol";
import { createTimerWheel } from "@connect-plugin/rpc";
import { describe, expect, test, vi } from "vitest";
import { createHead, createScriptedProvider, makeCall, pieceOf } from "./fixtures/call-script.js";
import { createTestRouter, kvMethods, need, type TestRouter } from "./fixtures/test-router.js";

const cancelled = createFailure("CANCELLED", "changed my mind");

/** Plugin `api`, which may call `kv`, and `kv` itself. */
function apiAndKv(...options: Parameters<typeof createTestRouter>) {
  const world = createTestRouter(...options);
  const { provider, principal } = world.provide();
  return { ...world, provider, kv: principal, api: world.caller("api", need()) };
}

/** Nothing of any call is left. */
function expectNothingLeft({ router, registry }: Pick<TestRouter, "router" | "registry">): void {
  expect(router.size).toBe(0);
  expect(registry.inFlight("kv-1")).toBe(0);
}

describe("a call that goes well", () => {
  test("passes everything on, both ways and in order", () => {
    const world = apiAndKv();
    const call = makeCall(world.api, { method: "Watch", kind: "server_streaming" });
    call.requests.message(pieceOf("a"), false);
    call.requests.credit(7);
    call.requests.end();
    const { seen, responses } = world.provider.last();
    expect(seen).toEqual(["message a", "credit 7", "end"]);
    responses.credit(5);
    responses.header([["x-app", "1"]]);
    responses.message(pieceOf("b"));
    responses.message(pieceOf("c"));
    expect(world.router.size).toBe(1);
    expect(world.registry.inFlight("kv-1")).toBe(1);
    responses.end([["x-done", "2"]], undefined);
    expect(call.seen).toEqual(["credit 5", "header x-app=1", "message b", "message c", "end x-done=2"]);
    expect(call.failure()).toBeUndefined();
    expectNothingLeft(world);
  });

  test("hands on the very pieces and metadata that it was given", () => {
    const world = apiAndKv();
    const given: unknown[] = [];
    const header = [["x-app", "1"]] as const;
    const piece = pieceOf("b");
    world.api.start(createHead({ codec: "json", acceptGzip: true, header }), {
      header: (one) => given.push(one),
      message: (one) => given.push(one),
      end: (one) => given.push(one),
      credit: () => {},
    });
    const { head, responses } = world.provider.last();
    expect(head.header).toBe(header);
    expect(head).toMatchObject({ codec: "json", acceptGzip: true });
    responses.header(header);
    responses.message(piece);
    responses.end(header, undefined);
    expect(given[0]).toBe(header);
    expect(given[1]).toBe(piece);
    expect(given[2]).toBe(header);
  });

  test("tells the provider who calls, under an id of its own, and nothing of the routing", () => {
    const world = apiAndKv();
    makeCall(world.api, { target: "kv", kind: "unknown" });
    makeCall(world.api);
    const [first, second] = world.provider.calls.map(({ head }) => head);
    const api = world.principals.find("api-1");
    expect(first).toMatchObject({
      kind: "unary",
      parent: undefined,
      target: undefined,
      grant: undefined,
      id: 1,
    });
    expect(first?.chain).toBe(api?.chain);
    expect(second?.id).toBe(2);
  });

  test("a provider may answer before it returns", () => {
    const world = createTestRouter();
    world.provide({ provider: createScriptedProvider(({ responses }) => responses.end([], undefined)) });
    const call = makeCall(world.caller("api", need()));
    call.requests.message(pieceOf("late"), true);
    call.requests.cancel(cancelled);
    expect(call.seen).toEqual(["end "]);
    expectNothingLeft(world);
  });

  test("what comes after the end leads nowhere", () => {
    const world = apiAndKv();
    const call = makeCall(world.api);
    const { responses, seen } = world.provider.last();
    responses.end([], undefined);
    responses.message(pieceOf("late"));
    responses.header([]);
    responses.credit(1);
    responses.end([], cancelled);
    call.requests.message(pieceOf("late"), true);
    call.requests.end();
    call.requests.credit(1);
    call.requests.cancel(cancelled);
    expect(call.seen).toEqual(["end "]);
    expect(seen).toEqual([]);
  });
});

describe("what a principal may call", () => {
  test("only what its manifest requires", () => {
    const world = apiAndKv();
    const call = makeCall(world.caller("web", need("b.v1.B"), need("a.v1.A")));
    expect(call.failure()).toMatchObject({
      code: 7,
      message:
        'plugin "web" calls "kv.v1.Kv", which its manifest does not require; it requires a.v1.A, b.v1.B. Add it to "requires"',
      info: { reason: "NOT_REQUIRED", fault: "caller", facts: { caller: "web", service: "kv.v1.Kv" } },
    });
    expect(makeCall(world.caller("mute")).failure()?.message).toContain("it requires nothing");
    expect(world.provider.calls).toEqual([]);
  });

  test("tells of every refusal, fit for a log", () => {
    const world = apiAndKv();
    const call = makeCall(world.caller("web"), { service: "kv\n.Kv", method: "G\u001bet" });
    expect(world.refused).toEqual([
      {
        type: "call.refused",
        caller: "web",
        service: "kv\\n.Kv",
        method: "G\\x1bet",
        failure: call.failure(),
      },
    ]);
  });

  test("messages show names of the caller's choice, but never as they are", () => {
    const world = apiAndKv();
    const host = world.router.handlerFor(world.principals.host, "all");
    const service = "kv\u001b[2J";
    for (const head of [{ service }, { service, target: "a\nb" }, { service, deadline: 0 }]) {
      const failure = makeCall(host, head).failure();
      expect(JSON.stringify([failure?.message, failure?.info?.facts])).not.toMatch(/\\u001b|\\n/);
      expect(failure?.message).toContain("kv\\x1b[2J");
    }
  });

  test("the host may call everything", () => {
    const world = apiAndKv();
    makeCall(world.router.handlerFor(world.principals.host, "all"));
    expect(world.provider.last().head.chain?.caller).toBe(world.principals.host.caller);
  });

  test("the range of the manifest counts, all of them if there are several", () => {
    const world = createTestRouter();
    world.provide({ plugin: "old", version: "1.0.0" });
    const { provider } = world.provide({ plugin: "new", version: "2.0.0" });
    expect(makeCall(world.caller("api", need("kv.v1.Kv", "one", "^3"))).failure()?.info?.reason).toBe(
      "VERSION_NOT_PROVIDED",
    );
    makeCall(world.caller("web", need("kv.v1.Kv", "one", "^2")));
    expect(provider.calls).toHaveLength(1);
    const both = world.caller("both", need("kv.v1.Kv", "one", "^1"), need("kv.v1.Kv", "each", "^2"));
    makeCall(both, { target: "new" });
    expect(provider.calls).toHaveLength(2);
    expect(makeCall(both).failure()?.info?.reason).toBe("AMBIGUOUS_PROVIDER");
  });

  test("the operator's preference counts where the call names nobody", () => {
    const world = createTestRouter({ prefer: { "kv.v1.Kv": "s3" } });
    const fs = world.provide({ plugin: "fs" }).provider;
    const s3 = world.provide({ plugin: "s3" }).provider;
    const api = world.caller("api", need());
    makeCall(api);
    makeCall(api, { target: "fs" });
    expect([fs.calls.length, s3.calls.length]).toEqual([1, 1]);
  });

  test("the policy is asked with caller, chain and provider, and its word counts", () => {
    const denied = createFailure("NOT_REQUIRED", "not on Sundays");
    const asked: unknown[] = [];
    const world = apiAndKv({
      authorize: (principal, action) => {
        asked.push([principal.name, action]);
        return { allow: false, failure: denied };
      },
    });
    expect(makeCall(world.api).failure()).toBe(denied);
    const chain = world.principals.find("api-1")?.chain;
    expect(asked).toEqual([
      ["api", { kind: "call", service: "kv.v1.Kv", method: "Get", provider: "kv", chain }],
    ]);
    expectNothingLeft(world);
  });

  test("an unknown method is refused with those there are", () => {
    const world = apiAndKv();
    expect(makeCall(world.api, { method: "Got" }).failure()).toMatchObject({
      code: 12,
      message: 'kv.v1.Kv of plugin "kv" has no method "Got"; it has Get, Watch',
      info: { reason: "UNKNOWN_METHOD", facts: { service: "kv.v1.Kv", method: "Got", plugin: "kv" } },
    });
    expectNothingLeft(world);
  });

  test("another kind of call than the provider offers is refused", () => {
    const world = apiAndKv();
    expect(makeCall(world.api, { method: "Watch" }).failure()).toMatchObject({
      code: 12,
      message:
        'kv.v1.Kv/Watch is called as unary, but plugin "kv" offers it as server_streaming; the two were generated from different versions of the .proto file',
      info: { reason: "KIND_MISMATCH" },
    });
    expectNothingLeft(world);
  });

  test("a provider that does not say what methods it has answers for them itself", () => {
    const world = createTestRouter();
    const { provider } = world.provide({ methods: [] });
    makeCall(world.caller("api", need()), { method: "Anything", kind: "unknown" });
    expect(provider.last().head).toMatchObject({ method: "Anything", kind: "unknown" });
  });

  test("so many calls in flight, and no more", () => {
    const world = apiAndKv({ limits: { callsPerCaller: 2 } });
    makeCall(world.api);
    makeCall(world.api);
    expect(makeCall(world.api).failure()).toMatchObject({
      code: 8,
      message: 'plugin "api" has 2 calls in flight, which is as many as it may; wait for some to end',
      info: { reason: "TOO_MANY_CALLS", facts: { caller: "api", limit: "2" } },
    });
    world.provider.last().responses.end([], undefined);
    expect(makeCall(world.api).ended).toBe(false);
  });
});

describe("failures", () => {
  test("of selection are passed on", () => {
    const world = createTestRouter();
    expect(makeCall(world.caller("api", need())).failure()).toMatchObject({
      info: { reason: "NO_PROVIDER" },
    });
  });

  test("of a handler of the application are passed on untouched", () => {
    const world = apiAndKv();
    const call = makeCall(world.api);
    const failure = { ...createFailure("NO_PROVIDER", "no such key"), info: undefined, code: 5 };
    world.provider.last().responses.end([], failure);
    expect(call.failure()).toBe(failure);
    expectNothingLeft(world);
  });

  test("of ours say which plugin and instance they came from", () => {
    const world = apiAndKv();
    const call = makeCall(world.api);
    world.provider.last().responses.end([], createFailure("HANDLER_FAILED", "broken"));
    expect(call.failure()).toMatchObject({
      code: 13,
      message: "broken",
      info: { reason: "HANDLER_FAILED", facts: { plugin: "kv", instanceId: "kv-1" } },
    });
  });

  test("that a provider only passes on keep their origin, and say by whom they came", () => {
    const world = apiAndKv();
    const call = makeCall(world.api);
    const facts = { plugin: "disk", instanceId: "disk-1", through: "forged" };
    world.provider.last().responses.end([], createFailure("PROVIDER_GONE", "lost", { facts }));
    expect(call.failure()?.info?.facts).toEqual({ plugin: "disk", instanceId: "disk-1", through: "kv" });
  });

  test("of a connection that was lost during the call name who was lost", async () => {
    const world = apiAndKv();
    const call = makeCall(world.api);
    call.requests.message(pieceOf("a"), true);
    await world.close("kv-1");
    expect(call.failure()).toMatchObject({
      code: 14,
      message:
        'plugin "kv" was lost during the call, which it may have carried out or not: the connection was closed',
      info: {
        reason: "PROVIDER_GONE",
        facts: { plugin: "kv", instanceId: "kv-1", cause: "CONNECTION_CLOSED" },
      },
      notDelivered: false,
    });
    expectNothingLeft(world);
  });

  test("of connection code that throws are answers too", () => {
    const world = createTestRouter();
    const provider = createScriptedProvider(() => {
      throw new Error("secret detail");
    });
    world.provide({ provider });
    expect(makeCall(world.caller("api", need())).failure()).toMatchObject({
      code: 13,
      message: 'plugin "kv" threw when it was given a call, instead of answering it',
      info: { reason: "HANDLER_FAILED" },
    });
    expectNothingLeft(world);
  });
});

describe("repeating", () => {
  const unreachable: CallFailure = createFailure("CONNECTION_CLOSED", "closed", { notDelivered: true });

  function twoInstances(...options: Parameters<typeof createScriptedProvider>) {
    const world = createTestRouter({}, { strategyOf: () => "first" });
    const { provider: first } = world.provide({
      instanceId: "kv-1",
      provider: createScriptedProvider(...options),
    });
    const { provider: second } = world.provide({ instanceId: "kv-2" });
    return { ...world, first, second, api: world.caller("api", need()) };
  }

  test("a call that cannot have arrived goes to another instance, at once", () => {
    const world = twoInstances(({ responses }) => responses.end([], unreachable));
    const call = makeCall(world.api);
    call.requests.message(pieceOf("a"), true);
    expect(world.second.last().seen).toEqual(["message a last"]);
    expect(world.second.last().head).toEqual(world.first.last().head);
    expect([world.registry.inFlight("kv-1"), world.registry.inFlight("kv-2")]).toEqual([0, 1]);
    world.second.last().responses.end([], undefined);
    expect(call.seen).toEqual(["end "]);
    expect(world.registry.inFlight("kv-2")).toBe(0);
  });

  test("or later, as long as nothing of the request has been given away", () => {
    const world = twoInstances();
    const call = makeCall(world.api);
    world.first.last().responses.end([], unreachable);
    call.requests.end();
    expect(world.second.last().seen).toEqual(["end"]);
    expect(call.ended).toBe(false);
  });

  test("never once any of the request has been given away", () => {
    for (const give of ["message", "end"] as const) {
      const world = twoInstances();
      const call = makeCall(world.api);
      if (give === "message") call.requests.message(pieceOf("a"), false);
      else call.requests.end();
      world.first.last().responses.end([], unreachable);
      expect(call.failure()?.info).toMatchObject({ reason: "PROVIDER_GONE", facts: { instanceId: "kv-1" } });
      expect(world.second.calls).toEqual([]);
    }
  });

  test("never after a failure that may have come from the provider", () => {
    const world = twoInstances();
    const call = makeCall(world.api);
    world.first.last().responses.end([], createFailure("CONNECTION_LOST", "lost"));
    expect(call.failure()?.info?.reason).toBe("PROVIDER_GONE");
    expect(world.second.calls).toEqual([]);
  });

  test("once", () => {
    const world = createTestRouter({}, { strategyOf: () => "first" });
    const refuse = () => createScriptedProvider(({ responses }) => responses.end([], unreachable));
    const providers = [1, 2, 3].map(
      (n) => world.provide({ instanceId: `kv-${n}`, provider: refuse() }).provider,
    );
    expect(makeCall(world.caller("api", need())).failure()).toMatchObject({
      message: 'plugin "kv" could not be reached: closed',
      info: { reason: "PROVIDER_GONE" },
      notDelivered: true,
    });
    expect(providers.map(({ calls }) => calls.length)).toEqual([1, 1, 0]);
    expect([1, 2, 3].map((n) => world.registry.inFlight(`kv-${n}`))).toEqual([0, 0, 0]);
  });

  test("never at another plugin", () => {
    const world = createTestRouter();
    world.provide({
      plugin: "fs",
      provider: createScriptedProvider(({ responses }) => responses.end([], unreachable)),
    });
    const { provider } = world.provide({ plugin: "s3" });
    expect(makeCall(world.caller("api", need()), { target: "fs" }).failure()?.info?.facts.plugin).toBe("fs");
    expect(provider.calls).toEqual([]);
  });

  test("never at an instance that offers the method in another kind, or not at all", () => {
    for (const methods of [[{ ...kvMethods[0], kind: "bidi_streaming" }], [kvMethods[1]]] as const) {
      const world = createTestRouter({}, { strategyOf: () => "first" });
      const first = createScriptedProvider(({ responses }) => responses.end([], unreachable));
      world.provide({ instanceId: "kv-1", provider: first });
      const { provider } = world.provide({ instanceId: "kv-2", methods: methods as never });
      expect(makeCall(world.caller("api", need())).failure()?.info?.reason).toBe("PROVIDER_GONE");
      expect(provider.calls).toEqual([]);
      expect(world.registry.inFlight("kv-2")).toBe(0);
    }
  });
});

describe("cancelling", () => {
  test("reaches the provider, and ends the call for both", () => {
    const world = apiAndKv();
    const call = makeCall(world.api);
    call.requests.message(pieceOf("a"), true);
    call.requests.cancel(cancelled);
    call.requests.cancel(cancelled);
    const { seen, responses } = world.provider.last();
    responses.end([], undefined);
    expect(seen).toEqual(["message a last", "cancel CANCELLED"]);
    expect(call.seen).toEqual([]);
    expectNothingLeft(world);
  });

  test("and the end may come in any order", () => {
    const world = apiAndKv();
    const call = makeCall(world.api);
    world.provider.last().responses.end([], undefined);
    call.requests.cancel(cancelled);
    expect(world.provider.last().seen).toEqual([]);
    expect(call.seen).toEqual(["end "]);
    expectNothingLeft(world);
  });

  test("the end of a principal cancels its calls and lets it make no new ones", () => {
    const world = apiAndKv();
    const api = world.principals.plugin({ plugin: "api", instanceId: "api-1" });
    const calls = [makeCall(world.api), makeCall(world.api)];
    const other = makeCall(world.caller("web", need()));
    expect(world.router.inFlight(api)).toBe(2);
    world.router.end(api);
    world.router.end(api);
    for (const call of calls) {
      expect(call.failure()).toMatchObject({
        code: 1,
        message: 'plugin "api", which made this call, is gone',
        info: { reason: "CANCELLED" },
      });
    }
    expect(world.provider.calls.map(({ seen }) => seen)).toEqual([
      ["cancel CANCELLED"],
      ["cancel CANCELLED"],
      [],
    ]);
    expect(other.ended).toBe(false);
    expect(world.router.inFlight(api)).toBe(0);
    expect(makeCall(world.api).failure()).toMatchObject({
      code: 16,
      message: `the identity ${api.runtimeId} of plugin "api" has ended: its instance is gone`,
      info: { reason: "CREDENTIAL_INVALID" },
    });
  });
});

describe("deadlines", () => {
  test("end a call that nobody answers, and say who did not", () => {
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      const wheel = createTimerWheel();
      const world = apiAndKv({ wheel });
      const call = makeCall(world.api, { deadline: performance.now() + 50 });
      makeCall(world.api, { deadline: performance.now() + 50 });
      world.provider.last().responses.end([], undefined);
      vi.advanceTimersByTime(40);
      expect(call.ended).toBe(false);
      vi.advanceTimersByTime(30);
      expect(call.failure()).toMatchObject({
        code: 4,
        message: 'plugin "kv" did not answer kv.v1.Kv/Get before its deadline',
        info: { reason: "DEADLINE_EXCEEDED", facts: { plugin: "kv", instanceId: "kv-1" } },
      });
      expect(world.provider.calls.map(({ seen }) => seen)).toEqual([["cancel DEADLINE_EXCEEDED"], []]);
      expectNothingLeft(world);
      expect(wheel.size).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("that have passed end a call before it begins", () => {
    const world = apiAndKv();
    expect(makeCall(world.api, { deadline: performance.now() - 1 }).failure()).toMatchObject({
      code: 4,
      message: "the deadline of kv.v1.Kv/Get had passed before it reached a provider",
      info: { reason: "DEADLINE_EXCEEDED" },
    });
    expect(world.provider.calls).toEqual([]);
  });
});

describe("observing", () => {
  test("sees every call, adds to its header, and is told its end once", () => {
    const ends: unknown[] = [];
    const heads: CallHead[] = [];
    const world = apiAndKv({
      observe: (head) => {
        heads.push(head);
        return { header: [["traceparent", "ours"]], end: (outcome) => ends.push(outcome) };
      },
    });
    const header = [
      ["traceparent", "theirs"],
      ["tracestate", "a=b"],
    ] as const;
    const call = makeCall(world.api, { header });
    expect(heads[0]).toMatchObject({ header, id: 1 });
    expect(world.provider.last().head.header).toEqual([
      ["tracestate", "a=b"],
      ["traceparent", "ours"],
    ]);
    call.requests.cancel(cancelled);
    world.provider.last().responses.end([], undefined);
    expect(ends).toEqual([{ failure: cancelled }]);
  });

  test("need not care about a call", () => {
    const world = apiAndKv({ observe: () => undefined });
    makeCall(world.api);
    world.provider.last().responses.end([], undefined);
    expectNothingLeft(world);
  });
});

describe("traffic", () => {
  test("is counted by who called what, of whom and how far away", () => {
    const clock = { now: 0 };
    const world = apiAndKv({ now: () => clock.now });
    for (const ms of [1, 2, 100]) {
      makeCall(world.api);
      clock.now += ms;
      world.provider
        .last()
        .responses.end([], ms === 100 ? createFailure("HANDLER_FAILED", "broken") : undefined);
    }
    makeCall(world.api).requests.cancel(cancelled);
    makeCall(world.caller("web", need()), { method: "Watch", kind: "server_streaming" });
    const [edge, ...others] = world.router.traffic();
    expect(others).toEqual([]);
    expect(edge).toMatchObject({
      caller: "api",
      provider: "kv",
      service: "kv.v1.Kv",
      method: "Get",
      distance: "in-process",
      calls: 4,
      errors: 1,
      maxMicros: 100_000,
    });
    expect(edge?.p50Micros).toBeGreaterThan(930);
    expect(edge?.p50Micros).toBeLessThan(1_070);
  });
});

describe("services of the host", () => {
  test("are called without being required, each principal's own", () => {
    const host = createScriptedProvider();
    const asked: string[] = [];
    const world = createTestRouter({
      services: (principal) => {
        asked.push(principal.name);
        return new Map([["host.v1.Session", host]]);
      },
    });
    const call = makeCall(world.caller("api"), { service: "host.v1.Session", method: "Watch" });
    expect(asked).toEqual(["api"]);
    expect(host.last().head.chain?.caller.name).toBe("api");
    host.last().responses.end([], createFailure("TOO_MANY_CALLS", "too many"));
    expect(call.failure()?.info?.facts).toEqual({});
    expect(world.router.traffic()).toMatchObject([
      { caller: "api", provider: "host", distance: "host", errors: 1 },
    ]);
  });

  test("are not taken over by a plugin of the same service", () => {
    const host = createScriptedProvider();
    const world = createTestRouter({ services: () => new Map([["kv.v1.Kv", host]]) });
    const { provider } = world.provide();
    makeCall(world.caller("api", need()));
    expect([host.calls.length, provider.calls.length]).toEqual([1, 0]);
  });
});

describe("limits", () => {
  test("are whole numbers", () => {
    expect(() => createTestRouter({ limits: { depth: 0 } })).toThrow(
      new RangeError("limits.depth: wanted a whole number from 1, got 0"),
    );
  });
});
