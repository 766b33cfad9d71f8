import { type CallHead, createFailure } from "@connect-plugin/protocol";
import { createTimerWheel } from "@connect-plugin/rpc";
import { describe, expect, test, vi } from "vitest";
import { createHead, createScriptedProvider, makeCall, pieceOf } from "./fixtures/call-script.js";
import { createApiAndKv, createTestRouter, need, type TestRouter } from "./fixtures/test-router.js";

const cancelled = createFailure("CANCELLED", "changed my mind");

/** Nothing of any call is left. */
function expectNothingLeft({ router, registry }: Pick<TestRouter, "router" | "registry">): void {
  expect(router.size).toBe(0);
  expect(registry.inFlight("kv-1")).toBe(0);
}

describe("a call that goes well", () => {
  test("passes everything on, both ways and in order", () => {
    const world = createApiAndKv();
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
    const world = createApiAndKv();
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
    const world = createApiAndKv();
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
    const world = createApiAndKv();
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

describe("cancelling", () => {
  test("reaches the provider, and ends the call for both", () => {
    const world = createApiAndKv();
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
    const world = createApiAndKv();
    const call = makeCall(world.api);
    world.provider.last().responses.end([], undefined);
    call.requests.cancel(cancelled);
    expect(world.provider.last().seen).toEqual([]);
    expect(call.seen).toEqual(["end "]);
    expectNothingLeft(world);
  });

  test("the end of a principal cancels its calls and lets it make no new ones", () => {
    const world = createApiAndKv();
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
      const world = createApiAndKv({ wheel });
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
    const world = createApiAndKv();
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
    const world = createApiAndKv({
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
    const world = createApiAndKv({ observe: () => undefined });
    makeCall(world.api);
    world.provider.last().responses.end([], undefined);
    expectNothingLeft(world);
  });
});

describe("traffic", () => {
  test("is counted by who called what, of whom and how far away", () => {
    const clock = { now: 0 };
    const world = createApiAndKv({ now: () => clock.now });
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
