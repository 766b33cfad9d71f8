import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  createFailure,
  type Piece,
  pieceCost,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { beforeEach, describe, expect, it } from "vitest";
import { createFakeClock, type FakeClock } from "../testing/fake-clock.js";
import { createHeldCalls, type HeldCalls } from "./held-calls.js";

const head: CallHead = {
  service: "kv.v1.Kv",
  method: "Get",
  kind: "unary",
  codec: "proto",
  acceptGzip: false,
  header: [],
  deadline: Number.POSITIVE_INFINITY,
  parent: undefined,
  target: undefined,
  grant: undefined,
  id: undefined,
  chain: undefined,
};
const bytes = (text: string): Piece => ({
  form: "bytes",
  bytes: new TextEncoder().encode(text),
  more: false,
  gzip: false,
});

/** What may wait at once in these tests. */
const MAX_BYTES = pieceCost(bytes("0123456789"));

let away: boolean;
let clock: FakeClock;
let seen: string[];
let failures: CallFailure[];
let held: HeldCalls;
let calls: CallHandler;

const provider: CallHandler = {
  start(_head, responses): RequestSink {
    seen.push("start");
    return {
      message(piece, last) {
        const text = piece.form === "bytes" ? new TextDecoder().decode(piece.bytes) : "typed";
        seen.push(`message ${text}${last ? " last" : ""}`);
        responses.credit(1);
      },
      end: () => seen.push("end"),
      cancel: (failure) => seen.push(`cancel ${failure.message}`),
      credit: (count) => seen.push(`credit ${count}`),
    };
  },
};
const responses: ResponseSink = {
  header: () => undefined,
  message: () => undefined,
  credit: () => undefined,
  end: (_trailer, failure) => {
    if (failure !== undefined) failures.push(failure);
  },
};

beforeEach(() => {
  away = true;
  clock = createFakeClock();
  seen = [];
  failures = [];
  held = createHeldCalls({ mustWait: () => away, clock, maxCalls: 2, maxBytes: MAX_BYTES });
  calls = held.before(provider, "app");
});

function comes(): void {
  away = false;
  held.look();
}

describe("a held call", () => {
  it("does not wait where nothing is away", () => {
    away = false;
    calls.start(head, responses).message(bytes("a"), true);
    expect(seen).toEqual(["start", "message a last"]);
    expect(held.size).toBe(0);
  });

  it("is given on whole and in order when the provider comes", () => {
    const requests = calls.start(head, responses);
    const buffer = new TextEncoder().encode("ab");
    requests.message({ form: "bytes", bytes: buffer, more: false, gzip: false }, false);
    buffer.fill(0); // what was given was only lent
    requests.credit(5);
    requests.end();
    held.look();
    expect(seen).toEqual([]);
    comes();
    expect(seen).toEqual(["start", "message ab", "end", "credit 5"]);
    requests.credit(7);
    requests.cancel(createFailure("CANCELLED", "enough"));
    expect(seen.slice(4)).toEqual(["credit 7", "cancel enough"]);
    expect(held.size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it("is not given on when it is cancelled by what was given on before it", () => {
    const second: { requests?: RequestSink } = {};
    const first = held.before(
      {
        start(given, sink) {
          second.requests?.cancel(createFailure("CANCELLED", "enough"));
          return provider.start(given, sink);
        },
      },
      "other",
    );
    first.start(head, responses);
    second.requests = calls.start(head, responses);
    comes();
    expect(seen).toEqual(["start"]);
    expect(held.size).toBe(0);
  });

  it("is given on once, though others are looked at while it is", () => {
    const nosy = held.before(
      {
        start(given, sink) {
          held.look();
          return provider.start(given, sink);
        },
      },
      "other",
    );
    nosy.start(head, responses);
    calls.start(head, responses);
    comes();
    expect(seen).toEqual(["start", "start"]);
  });

  it("fails at its deadline", () => {
    calls.start({ ...head, deadline: clock.now() + 100 }, responses);
    clock.advance(99);
    expect(failures).toEqual([]);
    clock.advance(1);
    expect(failures).toMatchObject([
      {
        code: 4,
        message: "no plugin that provides kv.v1.Kv became ready before the deadline of the call of Get",
        info: { reason: "DEADLINE_EXCEEDED", fault: "host" },
        notDelivered: true,
      },
    ]);
    comes();
    expect(seen).toEqual([]);
    expect(held.size).toBe(0);
  });

  it("leaves nothing when it is cancelled", () => {
    const requests = calls.start({ ...head, deadline: clock.now() + 100 }, responses);
    requests.message(bytes("0123456789"), true);
    requests.cancel(createFailure("CANCELLED", "enough"));
    expect([held.size, clock.timers]).toEqual([0, 0]);
    comes();
    expect(seen).toEqual([]);
    // Its bytes do not count any more.
    away = true;
    calls.start(head, responses).message(bytes("0123456789"), true);
    expect(failures).toEqual([]);
  });

  it("waits beside so many others, not more", () => {
    calls.start(head, responses);
    calls.start(head, responses);
    calls.start(head, responses);
    expect(failures).toMatchObject([
      {
        code: 8,
        message:
          "2 calls wait already for plugins that are on their way up, so the call of kv.v1.Kv/Get may not",
        info: { reason: "TOO_MANY_CALLS" },
      },
    ]);
    comes();
    expect(seen).toEqual(["start", "start"]);
  });

  it("holds so many bytes, not more", () => {
    const first = calls.start(head, responses);
    first.message(bytes("0123456"), false);
    const second = calls.start(head, responses);
    second.message(bytes("0123"), true);
    expect(failures).toMatchObject([
      {
        message: `calls that wait for plugins that are on their way up may hold ${MAX_BYTES} bytes, which the call of kv.v1.Kv/Get would exceed`,
        info: { reason: "TOO_MANY_CALLS" },
      },
    ]);
    comes();
    expect(seen).toEqual(["start", "message 0123456"]);
  });
});
