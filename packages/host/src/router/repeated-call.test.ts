import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { createScriptedProvider, makeCall, pieceOf } from "./fixtures/call-script.js";
import { createTestRouter, kvMethods, need } from "./fixtures/test-router.js";

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
