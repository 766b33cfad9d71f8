import { createFailure, type Metadata } from "@connect-plugin/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectNothingLeft } from "./fixtures/connect-lanes.js";
import { createMemoryPipes } from "./fixtures/memory-pipe.js";
import { RecordingService } from "./fixtures/recording-call.js";
import { type CallPlan, type MessagePlan, ScriptedCall } from "./fixtures/scripted-call.js";
import { createLane, type Lane } from "./lane.js";
import type { LaneLimits } from "./lane-limits.js";

// Two lanes, a pipe that cuts and delays as chance will have it, and calls whose ends follow a script.

const message: fc.Arbitrary<MessagePlan> = fc.record({
  size: fc.oneof(fc.nat(20), fc.nat(3_000), fc.constantFrom(0, 65_536, 70_000)),
  pieces: fc.integer({ min: 1, max: 3 }),
  gzip: fc.boolean(),
});

const fields: fc.Arbitrary<Metadata> = fc.array(
  fc.tuple(fc.constantFrom("x-a", "x-b", "traceparent"), fc.string({ maxLength: 8 })),
  { maxLength: 2 },
);

const call: fc.Arbitrary<CallPlan> = fc.record({
  by: fc.constantFrom("host", "plugin"),
  requests: fc.array(message, { maxLength: 5 }),
  responses: fc.array(message, { maxLength: 5 }),
  endsWithLast: fc.boolean(),
  header: fields,
  trailer: fields,
  fails: fc.boolean(),
  isEager: fc.boolean(),
  isHasty: fc.boolean(),
  cancelsAfter: fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.nat(6) },
  ),
});

const limits: fc.Arbitrary<Partial<LaneLimits>> = fc.record({
  initialWindow: fc.integer({ min: 128, max: 4_000 }),
  maxWindow: fc.integer({ min: 4_000, max: 50_000 }),
  maxCalls: fc.integer({ min: 1, max: 6 }),
  memory: fc.integer({ min: 24_000, max: 10_000_000 }).map((bytes) => bytes + 5_000_000),
});

interface World {
  readonly calls: readonly ScriptedCall[];
  readonly lanes: { readonly host: Lane; readonly plugin: Lane };
  readonly ended: unknown[];
  readonly pipes: ReturnType<typeof createMemoryPipes>;
  /** Does one thing. False if nothing can happen. */
  readonly step: () => boolean;
}

function createWorld(
  plans: readonly CallPlan[],
  given: { readonly host: Partial<LaneLimits>; readonly plugin: Partial<LaneLimits> },
  highWater: number,
  random: () => number,
): World {
  const pipes = createMemoryPipes({ random, highWater });
  const services = { host: new RecordingService(), plugin: new RecordingService() };
  const lanes = {
    host: createLane(pipes.host, { side: "host", handler: services.host, limits: given.host }),
    plugin: createLane(pipes.plugin, { side: "plugin", handler: services.plugin, limits: given.plugin }),
  };
  const calls = plans.map((plan, i) => new ScriptedCall(plan, i, lanes[plan.by]));
  for (const service of [services.host, services.plugin]) {
    service.onCall = (handler) => {
      calls[Number(handler.head.header[0]?.[1])]?.arrive(handler);
    };
  }
  const ended: unknown[] = [];
  void lanes.host.closed.then((end) => ended.push(end));
  void lanes.plugin.closed.then((end) => ended.push(end));
  const step = (): boolean => {
    const possible = calls.flatMap((scripted) => scripted.possible());
    if (possible.length > 0 && random() < 0.4) possible[Math.floor(random() * possible.length)]?.();
    else return pipes.step() || possible.length > 0;
    return true;
  };
  return { calls, lanes, ended, pipes, step };
}

/** Numbers from 0 to 1, always the same for a seed. */
function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const worlds = [
  fc.array(call, { minLength: 1, maxLength: 12 }),
  fc.record({ host: limits, plugin: limits }),
  fc.oneof(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 500, max: 100_000 })),
  fc.integer(),
] as const;

describe("lanes, whatever the pipe does", () => {
  it("carry every message of every call, once and in order, and nothing is left of it", async () => {
    await fc.assert(
      fc.asyncProperty(...worlds, async (plans, given, highWater, seed) => {
        const world = createWorld(plans, given, highWater, chance(seed));
        let steps = 0;
        while (world.step()) if (++steps > 20_000) throw new Error("never comes to rest");
        await Promise.resolve();
        expect(world.ended).toEqual([]);
        for (const scripted of world.calls) scripted.expectOutcome();
        expectNothingLeft(world.lanes.host, world.lanes.plugin);
        for (const pipe of [world.pipes.host, world.pipes.plugin]) {
          expect(pipe.mostWaiting).toBeLessThan(highWater + 2 * 66_000);
        }
      }),
      { numRuns: 200 },
    );
  }, 120_000);

  it("end every call that was in flight exactly once when the connection ends", async () => {
    await fc.assert(
      fc.asyncProperty(
        ...worlds,
        fc.nat(3_000),
        fc.constantFrom("break", "close"),
        async (plans, given, highWater, seed, when, how) => {
          const world = createWorld(plans, given, highWater, chance(seed));
          for (let i = 0; i < when && world.step(); i++);
          if (how === "break") world.pipes.host.break(new Error("read ECONNRESET"));
          else world.lanes.plugin.close(createFailure("CONNECTION_CLOSED", "Enough."));
          let steps = 0;
          while (world.step()) if (++steps > 20_000) throw new Error("never comes to rest");
          await Promise.resolve();
          expect(world.ended).toHaveLength(2);
          for (const scripted of world.calls) scripted.expectEnded();
          expectNothingLeft(world.lanes.host, world.lanes.plugin);
        },
      ),
      { numRuns: 200 },
    );
  }, 120_000);
});
