import { createFailure } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { createScriptedProvider, makeCall, pieceOf } from "./fixtures/call-script.js";
import { createApiAndKv, createTestRouter, need, type TestRouter } from "./fixtures/test-router.js";

/** Nothing of any call is left. */
function expectNothingLeft({ router, registry }: Pick<TestRouter, "router" | "registry">): void {
  expect(router.size).toBe(0);
  expect(registry.inFlight("kv-1")).toBe(0);
}

describe("failures", () => {
  test("of selection are passed on", () => {
    const world = createTestRouter();
    expect(makeCall(world.caller("api", need())).failure()).toMatchObject({
      info: { reason: "NO_PROVIDER" },
    });
  });

  test("of a handler of the application are passed on untouched", () => {
    const world = createApiAndKv();
    const call = makeCall(world.api);
    const failure = { ...createFailure("NO_PROVIDER", "no such key"), info: undefined, code: 5 };
    world.provider.last().responses.end([], failure);
    expect(call.failure()).toBe(failure);
    expectNothingLeft(world);
  });

  test("of ours say which plugin and instance they came from", () => {
    const world = createApiAndKv();
    const call = makeCall(world.api);
    world.provider.last().responses.end([], createFailure("HANDLER_FAILED", "broken"));
    expect(call.failure()).toMatchObject({
      code: 13,
      message: "broken",
      info: { reason: "HANDLER_FAILED", facts: { plugin: "kv", instanceId: "kv-1" } },
    });
  });

  test("that a provider only passes on keep their origin, and say by whom they came", () => {
    const world = createApiAndKv();
    const call = makeCall(world.api);
    const facts = { plugin: "disk", instanceId: "disk-1", through: "forged" };
    world.provider.last().responses.end([], createFailure("PROVIDER_GONE", "lost", { facts }));
    expect(call.failure()?.info?.facts).toEqual({ plugin: "disk", instanceId: "disk-1", through: "kv" });
  });

  test("of a connection that was lost during the call name who was lost", async () => {
    const world = createApiAndKv();
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
