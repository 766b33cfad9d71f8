import { createFailure } from "@connect-plugin/protocol";
import { createTimerWheel } from "@connect-plugin/rpc";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type MadeCall, makeCall, pieceOf, type ReceivedCall } from "./fixtures/call-script.js";
import { createTestRouter, need } from "./fixtures/test-router.js";

// Plugins that call each other and themselves, for each other and for nobody, while everything ends in every way and
// order. Whatever happens, each call ends once on each side, and what it held is given back.

const plugins = ["a", "b", "c"] as const;
const cancelled = createFailure("CANCELLED", "changed my mind");

const step = fc.record({
  do: fc.constantFrom(
    "call",
    "call",
    "call",
    "child",
    "child",
    "child",
    "message",
    "answer",
    "fail",
    "undelivered",
    "cancel",
    "close",
    "leave",
  ),
  plugin: fc.nat({ max: 2 }),
  target: fc.nat({ max: 2 }),
  index: fc.nat({ max: 30 }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

interface Made {
  readonly call: MadeCall;
  gaveUp: boolean;
}

async function run(steps: readonly Step[]): Promise<void> {
  const wheel = createTimerWheel();
  const world = createTestRouter({ wheel, limits: { depth: 4 } });
  const members = plugins.map((plugin) => {
    const { principal, provider } = world.provide({ plugin, service: "kv.v1.Kv" });
    return { principal, provider, calls: world.callsOf(principal, need()), plugin };
  });
  const made: Made[] = [];
  const answered = new Set<ReceivedCall>();

  function live(one: Made): boolean {
    return !one.gaveUp && !one.call.ended;
  }

  function check(): void {
    const held = plugins.map((plugin) => world.registry.inFlight(`${plugin}-1`)).reduce((a, b) => a + b);
    expect(world.router.size).toBe(made.filter(live).length);
    expect(held).toBe(world.router.size);
    expect(wheel.size).toBe(world.router.size);
    const inFlight = members.map(({ principal }) => world.router.inFlight(principal)).reduce((a, b) => a + b);
    expect(inFlight).toBe(world.router.size);
    for (const { call, gaveUp } of made) {
      const ends = call.seen.filter((seen) => seen.startsWith("end") || seen.startsWith("failed"));
      expect(ends.length).toBeLessThanOrEqual(gaveUp ? 0 : 1);
    }
    for (const { provider } of members) {
      for (const received of provider.calls) {
        const cancels = received.seen.filter((seen) => seen.startsWith("cancel"));
        expect(cancels.length).toBeLessThanOrEqual(answered.has(received) ? 0 : 1);
      }
    }
  }

  for (const { do: what, plugin, target, index } of steps) {
    const member = members[plugin];
    if (member === undefined) continue;
    const received = member.provider.calls.at(-1 - index);
    const own = made.at(-1 - index);
    switch (what) {
      case "call":
      case "child": {
        const parent = what === "child" ? received?.head.id : undefined;
        const deadline = performance.now() + 600_000;
        const call = makeCall(member.calls, { target: plugins[target], parent, deadline });
        made.push({ call, gaveUp: false });
        break;
      }
      case "message":
        own?.call.requests.message(pieceOf("m"), false);
        break;
      case "answer":
      case "fail":
      case "undelivered": {
        if (received === undefined) break;
        const failure = createFailure("CONNECTION_CLOSED", "closed", {
          notDelivered: what === "undelivered",
        });
        const isOpen = !received.seen.some((seen) => seen.startsWith("cancel"));
        received.responses.end([], what === "answer" ? undefined : failure);
        if (isOpen) answered.add(received);
        break;
      }
      case "cancel":
        if (own === undefined || !live(own)) break;
        own.gaveUp = true;
        own.call.requests.cancel(cancelled);
        break;
      case "close":
        await world.close(`${member.plugin}-1`);
        break;
      case "leave":
        world.router.end(member.principal);
        break;
    }
    check();
  }
  for (const { principal } of members) world.router.end(principal);
  check();
  expect(world.router.size).toBe(0);
}

test("whatever happens to calls and those who make them, each ends once and nothing is left", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80 }), run), { numRuns: 200 });
});
