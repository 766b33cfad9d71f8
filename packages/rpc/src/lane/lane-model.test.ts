import {
  type CallFailure,
  createFailure,
  INITIAL_CREDIT,
  type LaneSide,
  type Metadata,
  type Piece,
  pieceCost,
} from "@connect-plugin/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryPipes } from "./fixtures/memory-pipe.js";
import {
  piece,
  RecordingCaller,
  type RecordingHandler,
  RecordingService,
  streamHead,
} from "./fixtures/recording-call.js";
import { createLane, type Lane } from "./lane.js";
import type { LaneLimits } from "./lane-limits.js";

// Two lanes, a pipe that cuts and delays as chance will have it, and calls whose ends do what a script says whenever it
// is their turn. What must come of it is known from the scripts alone.

interface MessagePlan {
  readonly size: number;
  readonly pieces: number;
  readonly gzip: boolean;
}

interface CallPlan {
  readonly by: LaneSide;
  readonly requests: readonly MessagePlan[];
  readonly responses: readonly MessagePlan[];
  /** Whether the last request says that it is the last, or the end comes by itself. */
  readonly endsWithLast: boolean;
  readonly header: Metadata;
  readonly trailer: Metadata;
  readonly fails: boolean;
  /** Both ends give the next piece as soon as they are credited, from within. */
  readonly isEager: boolean;
  /** The handler ends without waiting for the whole request. */
  readonly isHasty: boolean;
  /** The caller cancels after so many turns of its own. */
  readonly cancelsAfter: number | undefined;
}

const cancelled = createFailure("CANCELLED", "No longer wanted.");
const failed: CallFailure = {
  ...createFailure("NO_PROVIDER", "There is none.", { facts: { a: "b" } }),
  details: [{ type: "acme.v1.Detail", value: Uint8Array.of(1, 2) }],
};

/** Gives the pieces of messages, one a turn, as far as its credit goes. */
class Giver {
  given: readonly Uint8Array[];
  readonly #pieces: Piece[] = [];
  #next = 0;
  #spent = 0;
  readonly #credited: () => number;

  constructor(plans: readonly MessagePlan[], first: number, credited: () => number) {
    this.#credited = credited;
    this.given = plans.map(({ size }, i) => new Uint8Array(size).map((_, at) => first + i * 31 + at * 7));
    for (const [i, { pieces, gzip }] of plans.entries()) {
      const bytes = this.given[i] ?? new Uint8Array(0);
      for (let part = 0; part < pieces; part++) {
        const cut = (at: number) => Math.floor((bytes.length * at) / pieces);
        this.#pieces.push(piece(bytes.slice(cut(part), cut(part + 1)), part < pieces - 1, gzip));
      }
    }
  }

  get isDone(): boolean {
    return this.#next === this.#pieces.length;
  }

  get canGive(): boolean {
    return !this.isDone && this.#spent - this.#credited() < INITIAL_CREDIT;
  }

  give(to: (piece: Piece, isLast: boolean) => void): void {
    const next = this.#pieces[this.#next++];
    if (next === undefined) return;
    this.#spent += pieceCost(next);
    const copy = next.form === "bytes" ? { ...next, bytes: next.bytes.slice() } : next;
    to(copy, this.isDone);
    // Valid only during the call.
    if (copy.form === "bytes") copy.bytes.fill(0xdd);
    if (this.#credited() > this.#spent) throw new Error("more was credited than was given");
  }
}

class ScriptedCall {
  readonly plan: CallPlan;
  readonly caller = new RecordingCaller();
  hasCancelled = false;
  readonly #index: number;
  readonly #lane: Lane;
  readonly #requests: Giver;
  readonly #responses: Giver;
  #handler: RecordingHandler | undefined;
  #turns = 0;
  #hasEndedRequests = false;
  #hasHeader = false;
  hasAnswered = false;

  constructor(plan: CallPlan, index: number, lane: Lane) {
    this.plan = plan;
    this.#index = index;
    this.#lane = lane;
    this.#requests = new Giver(plan.requests, index, () => this.caller.credited);
    this.#responses = new Giver(plan.responses, index + 100, () => this.handler?.credited ?? 0);
    this.caller.inbox.takes = false;
    if (plan.isEager) this.caller.onCredit = () => this.#giveRequest();
  }

  get handler(): RecordingHandler | undefined {
    return this.#handler;
  }

  /** The call has arrived. */
  arrive(handler: RecordingHandler): void {
    this.#handler = handler;
    handler.inbox.takes = false;
    if (this.plan.isEager) handler.onCredit = () => this.#giveResponse(handler);
  }

  /** What this call's ends can do now. */
  possible(): (() => void)[] {
    const found: (() => void)[] = [];
    const { caller, handler } = this;
    if (caller.requests === undefined) return [() => this.#start()];
    if (caller.ends.length === 0 && !this.hasCancelled) {
      if (this.plan.cancelsAfter === this.#turns) found.push(() => this.#cancel());
      else if (this.#requests.canGive) found.push(() => this.#giveRequest());
      else if (this.#requests.isDone && !this.#hasEndedRequests) found.push(() => this.#endRequests());
    }
    if (caller.inbox.untaken > 0) found.push(() => caller.requests?.credit(caller.inbox.takeAll()));
    if (handler === undefined) return found;
    if (handler.inbox.untaken > 0) found.push(() => handler.responses.credit(handler.inbox.takeAll()));
    if (!this.hasAnswered && handler.cancels.length === 0) {
      if (!this.#hasHeader) found.push(() => this.#giveHeader(handler));
      else if (this.#responses.canGive) found.push(() => this.#giveResponse(handler));
      else if (this.#responses.isDone && (handler.isComplete || this.plan.isHasty)) {
        found.push(() => this.#answer(handler));
      }
    }
    return found;
  }

  /** What must be so when nothing more happens on a connection that stands. */
  expectOutcome(): void {
    const { caller, handler, plan } = this;
    const received = (handler?.inbox.messages ?? []).map(({ bytes }) => bytes);
    expectBeginning(received, this.#requests.given);
    expect(gzips(handler?.inbox.messages)).toEqual(
      plan.requests.slice(0, received.length).map(({ gzip }) => gzip),
    );
    const answers = caller.inbox.messages.map(({ bytes }) => bytes);
    expectBeginning(answers, this.#responses.given);
    expect(gzips(caller.inbox.messages)).toEqual(
      plan.responses.slice(0, answers.length).map(({ gzip }) => gzip),
    );
    if (this.hasCancelled) {
      expect(caller.ends).toHaveLength(0);
      if (handler !== undefined && !this.hasAnswered) expect(handler.cancels).toEqual([cancelled]);
      return;
    }
    expect(caller.ends).toEqual([{ trailer: plan.trailer, failure: plan.fails ? failed : undefined }]);
    expect(caller.headers).toEqual(plan.header.length > 0 ? [plan.header] : []);
    expect(answers).toHaveLength(plan.responses.length);
    expect(handler?.cancels).toEqual([]);
    if (!plan.isHasty) expect(received).toHaveLength(plan.requests.length);
  }

  /** What must be so after the connection has ended in the middle of it. */
  expectEnded(): void {
    const { caller, handler } = this;
    if (caller.requests !== undefined && !this.hasCancelled) expect(caller.ends).toHaveLength(1);
    if (handler !== undefined && !this.hasAnswered) expect(handler.cancels).toHaveLength(1);
    if (handler === undefined && caller.ends[0]?.failure?.notDelivered === false) {
      expect(caller.ends[0].failure.info?.reason).toMatch(/^(CONNECTION_LOST|CONNECTION_CLOSED)$/);
    }
    if (caller.ends[0]?.failure?.notDelivered === true) expect(handler).toBeUndefined();
  }

  #start(): void {
    this.caller.call(this.#lane, { ...streamHead, header: [["x-call", String(this.#index)]] });
  }

  #giveRequest(): void {
    if (!this.#requests.canGive || this.hasCancelled) return;
    this.#turns += 1;
    this.#requests.give((next, isLast) => {
      if (isLast && this.plan.endsWithLast) this.#hasEndedRequests = true;
      this.caller.requests?.message(next, isLast && this.plan.endsWithLast);
    });
  }

  #giveResponse(handler: RecordingHandler): void {
    if (!this.#responses.canGive || this.hasAnswered || handler.cancels.length > 0) return;
    this.#responses.give((next) => handler.responses.message(next));
  }

  #endRequests(): void {
    this.#turns += 1;
    this.#hasEndedRequests = true;
    this.caller.requests?.end();
  }

  #cancel(): void {
    this.hasCancelled = true;
    this.caller.requests?.cancel(cancelled);
  }

  #giveHeader(handler: RecordingHandler): void {
    this.#hasHeader = true;
    handler.responses.header(this.plan.header);
  }

  #answer(handler: RecordingHandler): void {
    this.hasAnswered = true;
    handler.responses.end(this.plan.trailer, this.plan.fails ? failed : undefined);
  }
}

/** What arrived is what was given, as far as it goes. (`toEqual` takes its time over large arrays.) */
function expectBeginning(arrived: readonly Uint8Array[], given: readonly Uint8Array[]): void {
  expect(arrived.map((bytes) => bytes.length)).toEqual(
    given.slice(0, arrived.length).map((bytes) => bytes.length),
  );
  expect(arrived.findIndex((bytes, i) => Buffer.compare(bytes, given[i] ?? new Uint8Array(0)) !== 0)).toBe(
    -1,
  );
}

function gzips(messages: readonly { readonly gzip: boolean }[] | undefined): boolean[] {
  return (messages ?? []).map(({ gzip }) => gzip);
}

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

function expectNothingLeft({ host, plugin }: World["lanes"]): void {
  for (const { stats } of [host, plugin]) {
    expect(stats).toMatchObject({ outgoing: 0, incoming: 0, waiting: 0, queuedBytes: 0, grownBytes: 0 });
  }
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
        expectNothingLeft(world.lanes);
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
          expectNothingLeft(world.lanes);
        },
      ),
      { numRuns: 200 },
    );
  }, 120_000);
});
