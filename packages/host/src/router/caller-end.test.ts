import { createFailure, printable } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { makeCall } from "./fixtures/call-script.js";
import { createApiAndKv, createTestRouter, need, type TestRouter } from "./fixtures/test-router.js";

/** Nothing of any call is left. */
function expectNothingLeft({ router, registry }: Pick<TestRouter, "router" | "registry">): void {
  expect(router.size).toBe(0);
  expect(registry.inFlight("kv-1")).toBe(0);
}

describe("what a principal may call", () => {
  test("only what its manifest requires", () => {
    const world = createApiAndKv();
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
    const world = createApiAndKv();
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
    const world = createApiAndKv();
    const host = world.router.handlerFor(world.principals.host, "all");
    const service = "kv\u001b[2J";
    for (const head of [{ service }, { service, target: "a\nb" }, { service, deadline: 0 }]) {
      const failure = makeCall(host, head).failure();
      const said = [failure?.message, ...Object.values(failure?.info?.facts ?? {})].join(" ");
      expect(said).toBe(printable(said, said.length));
      expect(failure?.message).toContain("kv\\x1b[2J");
    }
  });

  test("the host may call everything", () => {
    const world = createApiAndKv();
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
    const world = createApiAndKv({
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
    const world = createApiAndKv();
    expect(makeCall(world.api, { method: "Got" }).failure()).toMatchObject({
      code: 12,
      message: 'kv.v1.Kv of plugin "kv" has no method "Got"; it has Get, Watch',
      info: { reason: "UNKNOWN_METHOD", facts: { service: "kv.v1.Kv", method: "Got", plugin: "kv" } },
    });
    expectNothingLeft(world);
  });

  test("another kind of call than the provider offers is refused", () => {
    const world = createApiAndKv();
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
    const world = createApiAndKv({ limits: { callsPerCaller: 2 } });
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
