import { create, fromBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type CallFailure,
  createFailure,
  INITIAL_CREDIT,
  type Metadata,
  PIECE_OVERHEAD,
} from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { createMemoryPipes, type MemoryPipesOptions } from "./fixtures/memory-pipe.js";
import {
  echo,
  piece,
  RecordingCaller,
  RecordingService,
  streamHead,
  textOf,
  unaryHead,
} from "./fixtures/recording-call.js";
import { createLane, type Lane, type LaneOptions } from "./lane.js";

const closing = createFailure("CONNECTION_CLOSED", "The test is over.");

interface Setup extends MemoryPipesOptions {
  readonly host?: Partial<LaneOptions>;
  readonly plugin?: Partial<LaneOptions>;
}

function connect(setup: Setup = {}) {
  const pipes = createMemoryPipes(setup);
  const service = new RecordingService();
  const host = createLane(pipes.host, { side: "host", handler: service, ...setup.host });
  const plugin = createLane(pipes.plugin, { side: "plugin", handler: service, ...setup.plugin });
  return { pipes, service, host, plugin };
}

function expectIdle(...lanes: Lane[]): void {
  for (const lane of lanes) {
    expect(lane.stats).toMatchObject({ outgoing: 0, incoming: 0, waiting: 0, queuedBytes: 0, grownBytes: 0 });
  }
}

describe("a call", () => {
  it("goes both ways, with everything that its head says", () => {
    const { pipes, service, host, plugin } = connect();
    const chain = {
      caller: { kind: "plugin", name: "api", runtimeId: "r1", claims: {} },
      behind: undefined,
      depth: 1,
    } as const;
    const head = {
      ...unaryHead,
      header: [["x-a", "1"]],
      target: "kv",
      grant: "g",
      parent: 7,
      id: 9,
      chain,
    } as const;
    const caller = new RecordingCaller();
    caller.call(host, head).message(piece("question"), true);
    pipes.settle();
    const [call] = service.calls;
    expect(call?.head).toEqual(head);
    expect(call?.inbox.messages.map(({ bytes }) => textOf(bytes))).toEqual(["question"]);
    expect(call?.isComplete).toBe(true);
    call?.responses.header([["x-b", "2"]]);
    call?.responses.message(piece("answer"));
    call?.responses.end([["x-c", "3"]], undefined);
    pipes.settle();
    expect(caller.headers).toEqual([[["x-b", "2"]]]);
    expect(caller.inbox.messages.map(({ bytes }) => textOf(bytes))).toEqual(["answer"]);
    expect(caller.ends).toEqual([{ trailer: [["x-c", "3"]], failure: undefined }]);
    expectIdle(host, plugin);
  });

  it("that is small and unary takes one write each way", () => {
    const { pipes, plugin } = connect({ host: { handler: echo } });
    pipes.settle();
    const before = [pipes.host.writes, pipes.plugin.writes, plugin.stats.bytesSent];
    const caller = new RecordingCaller();
    caller.call(plugin, unaryHead).message(piece("x"), true);
    pipes.settle();
    expect(caller.ends).toHaveLength(1);
    expect([pipes.host.writes, pipes.plugin.writes]).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 1]);
    // Eight bytes of header, two of length, two of bits, the two names, and the message.
    expect(plugin.stats.bytesSent - (before[2] ?? 0)).toBe(8 + 2 + 2 + (2 + 12) + (2 + 4) + 1);
  });

  it("is gathered with others of the same turn, but the first goes at once", () => {
    const { pipes, plugin } = connect({ host: { handler: echo } });
    pipes.settle();
    const before = pipes.plugin.writes;
    const callers = Array.from({ length: 50 }, () => new RecordingCaller());
    for (const caller of callers) caller.call(plugin, unaryHead).message(piece("x"), true);
    expect(pipes.plugin.writes).toBe(before + 1);
    pipes.settle();
    expect(pipes.plugin.writes).toBe(before + 2);
    expect(callers.every((caller) => caller.ends.length === 1)).toBe(true);
  });

  it("may fail with everything that a failure can say, but never as not delivered", () => {
    const { pipes, service, host, plugin } = connect();
    const failure: CallFailure = {
      ...createFailure("NO_PROVIDER", "No plugin offers it.", {
        facts: { service: "x" },
        notDelivered: true,
      }),
      details: [{ type: "acme.v1.Detail", value: Uint8Array.of(1) }],
      metadata: [["retry-after", "1"]],
    };
    service.onCall = (call) => call.responses.end([["x-t", "1"]], failure);
    const caller = new RecordingCaller();
    caller.call(host, unaryHead).message(piece("x"), true);
    pipes.settle();
    expect(caller.ends).toEqual([{ trailer: [["x-t", "1"]], failure: { ...failure, notDelivered: false } }]);
    expectIdle(host, plugin);
  });

  it("is told to the handler as cancelled, and only once", () => {
    const { pipes, service, host, plugin } = connect();
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    requests.message(piece("x"), false);
    pipes.settle();
    const cancelled = createFailure("CANCELLED", "No longer wanted.");
    requests.cancel(cancelled);
    requests.cancel(cancelled);
    requests.message(piece("y"), true);
    pipes.settle();
    const [call] = service.calls;
    expect(call?.cancels).toEqual([cancelled]);
    call?.responses.message(piece("late"));
    call?.responses.end([], undefined);
    pipes.settle();
    expect(caller.ends).toEqual([]);
    expectIdle(host, plugin);
  });

  it("that ends while the other side still talks ignores the rest", () => {
    const { pipes, service, host, plugin } = connect();
    service.onCall = (call) => call.responses.end([], undefined);
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    requests.message(piece("x"), false);
    pipes.settle();
    requests.message(piece("y"), false);
    requests.end();
    requests.cancel(createFailure("CANCELLED", "late"));
    pipes.settle();
    expect(service.calls[0]?.inbox.messages).toEqual([]);
    expect(caller.ends).toEqual([{ trailer: [], failure: undefined }]);
    expectIdle(host, plugin);
  });

  it("carries unencoded messages in the codec of the call", () => {
    const { pipes, service, host } = connect();
    const message = create(StringValueSchema, { value: "héllo" });
    for (const codec of ["proto", "json"] as const) {
      const requests = new RecordingCaller().call(host, { ...unaryHead, codec });
      requests.message({ form: "message", desc: StringValueSchema, message }, true);
    }
    pipes.settle();
    const [proto, json] = service.calls.map((call) => call.inbox.messages[0]?.bytes ?? new Uint8Array(0));
    expect(fromBinary(StringValueSchema, proto ?? new Uint8Array(0))).toEqual(message);
    expect(textOf(json ?? new Uint8Array(0))).toBe('"héllo"');
  });

  it("whose message cannot be encoded fails, request and response", () => {
    const { pipes, service, host, plugin } = connect();
    const broken = {
      form: "message",
      desc: StringValueSchema,
      message: { $typeName: "x", value: 1 },
    } as const;
    const caller = new RecordingCaller();
    caller.call(host, unaryHead).message(broken, true);
    pipes.settle();
    expect(caller.ends[0]?.failure).toMatchObject({
      code: 3,
      info: { reason: "MESSAGE_INVALID", fault: "caller" },
    });
    expect(caller.ends[0]?.failure?.message).toMatch(
      /^A request message of test\.v1\.Test\/Call cannot be encoded as google\.protobuf\.StringValue: /,
    );
    service.onCall = (call) => call.responses.message(broken);
    const other = new RecordingCaller();
    other.call(host, unaryHead).message(piece(""), true);
    pipes.settle();
    expect(other.ends[0]?.failure).toMatchObject({
      code: 13,
      info: { reason: "RESPONSE_INVALID", fault: "plugin" },
    });
    expect(service.calls.at(-1)?.cancels).toHaveLength(1);
    expectIdle(host, plugin);
  });
});

describe("messages", () => {
  const sizes = [0, 1, 100, 65_536, 65_537, 1_000_000];

  it("of all sizes arrive whole and in order, however they are given", () => {
    const { pipes, host, service, plugin } = connect({ highWater: 100_000 });
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    const messages = sizes.map((size, i) => new Uint8Array(size).fill(i + 1));
    for (const [i, message] of messages.entries()) {
      const middle = Math.floor(message.length / 3);
      if (i % 2 === 0) requests.message(piece(message, false, true), i === messages.length - 1);
      else {
        requests.message(piece(message.slice(0, middle), true), false);
        requests.message(piece(message.slice(middle)), i === messages.length - 1);
      }
    }
    pipes.settle();
    const [call] = service.calls;
    expect(
      call?.inbox.messages.map(({ bytes, gzip }) => [bytes.length, gzip, bytes.every((b) => b === bytes[0])]),
    ).toEqual(sizes.map((size, i) => [size, i % 2 === 0, true]));
    expect(call?.isComplete).toBe(true);
    call?.responses.end([], undefined);
    pipes.settle();
    expectIdle(host, plugin);
  });

  it("are copied if they have to wait", () => {
    const { pipes, host, service } = connect();
    const buffer = new Uint8Array(10).fill(1);
    const requests = new RecordingCaller().call(host, streamHead);
    requests.message(piece(buffer), true);
    buffer.fill(9);
    pipes.settle();
    expect(service.calls[0]?.inbox.messages[0]?.bytes).toEqual(new Uint8Array(10).fill(1));
  });

  it("that are too large end their call at the sender, and nothing else", () => {
    const { pipes, service, host, plugin } = connect({ host: { limits: { maxMessage: 1_000 } } });
    pipes.settle();
    const text =
      "A request message of test.v1.Test/Call is larger than the 1000 bytes that are allowed. Send it as a stream of smaller ones, or raise the limit.";
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    requests.message(piece(new Uint8Array(600), true), false);
    requests.message(piece(new Uint8Array(401)), true);
    const other = new RecordingCaller();
    other.call(plugin, streamHead).message(piece(new Uint8Array(1_001)), true);
    const fine = new RecordingCaller();
    fine.call(host, streamHead).message(piece(new Uint8Array(1_000)), true);
    pipes.settle();
    for (const { ends } of [caller, other]) {
      expect(ends).toMatchObject([
        { failure: { code: 8, message: text, info: { reason: "MESSAGE_TOO_LARGE" } } },
      ]);
    }
    expect(service.calls.map((call) => [call.inbox.messages.length, call.cancels.length])).toEqual([
      [0, 1],
      [1, 0],
      [0, 1],
    ]);
  });

  it("that are too large in a response end the call for both", () => {
    const { pipes, service, host, plugin } = connect({ plugin: { limits: { maxMessage: 1_000 } } });
    service.onCall = (call) => call.responses.message(piece(new Uint8Array(1_001)));
    const caller = new RecordingCaller();
    caller.call(host, unaryHead).message(piece("x"), true);
    pipes.settle();
    const failure = {
      code: 8,
      message:
        "A response message of test.v1.Test/Call is larger than the 1000 bytes that are allowed. Send it as a stream of smaller ones, or raise the limit.",
      info: { reason: "MESSAGE_TOO_LARGE", fault: "plugin", facts: { limit: "1000" } },
    };
    expect(caller.ends).toMatchObject([{ failure }]);
    expect(service.calls[0]?.cancels).toMatchObject([failure]);
    expectIdle(host, plugin);
  });
});

describe("metadata that is too large", () => {
  const large: Metadata = [["x-large", "v".repeat(16_384)]];
  const message = (whose: string) =>
    `The header or trailer of a ${whose} of test.v1.Test/Call is larger than the 16384 bytes that are allowed. Send data of that size in a message.`;

  it("in a request fails before anything is sent", () => {
    const { pipes, service, host, plugin } = connect();
    pipes.settle();
    const caller = new RecordingCaller();
    caller.call(host, { ...unaryHead, header: large }).message(piece("x"), true);
    expect(caller.ends).toMatchObject([
      {
        failure: {
          code: 8,
          message: message("request"),
          info: { reason: "METADATA_TOO_LARGE", fault: "caller" },
        },
      },
    ]);
    pipes.settle();
    expect(service.calls).toEqual([]);
    expectIdle(host, plugin);
  });

  it("in a header or trailer of a response fails the call for both", () => {
    const { pipes, service, host, plugin } = connect();
    for (const answer of ["header", "trailer"] as const) {
      service.onCall = (call) =>
        answer === "header" ? call.responses.header(large) : call.responses.end(large, undefined);
      const caller = new RecordingCaller();
      caller.call(host, unaryHead).message(piece("x"), true);
      pipes.settle();
      const failure = {
        message: message("response"),
        info: { reason: "METADATA_TOO_LARGE", fault: "plugin" },
      };
      expect(caller.ends).toMatchObject([{ failure }]);
      expect(service.calls.at(-1)?.cancels).toMatchObject([failure]);
    }
    expectIdle(host, plugin);
  });

  it("together with names and callers fails as well", () => {
    const { pipes, host } = connect();
    pipes.settle();
    const caller = new RecordingCaller();
    caller.call(host, { ...unaryHead, grant: "g".repeat(70_000) });
    expect(caller.ends).toMatchObject([
      {
        failure: {
          message: "test.v1.Test/Call: names, header and callers together are larger than a frame can hold.",
          info: { reason: "METADATA_TOO_LARGE" },
        },
      },
    ]);
  });
});

describe("a chain of callers", () => {
  it("that is deeper than a lane carries fails the call", () => {
    const { pipes, host } = connect();
    pipes.settle();
    const caller = { kind: "plugin", name: "p", runtimeId: "r", claims: {} } as const;
    const recording = new RecordingCaller();
    recording.call(host, { ...unaryHead, chain: { caller, behind: undefined, depth: 65 } });
    expect(recording.ends).toMatchObject([
      {
        failure: {
          code: 8,
          message:
            "test.v1.Test/Call is made for a chain of 65 callers, and a lane carries 64. Look for plugins that call each other in a circle.",
          info: { reason: "CALL_DEPTH_EXCEEDED" },
        },
      },
    ]);
  });
});

describe("credit", () => {
  it("reaches the sender only when the pipe has taken what was sent", () => {
    const { pipes, host } = connect({ highWater: 10_000 });
    pipes.settle();
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    pipes.host.stalled = true;
    for (let i = 0; i < 4; i++) requests.message(piece(new Uint8Array(8_000)), false);
    // The window of 16 KiB takes two and the beginning of the third.
    expect(caller.credited).toBe(2 * (8_000 + PIECE_OVERHEAD));
    expect(host.stats.queuedBytes).toBe(16_000 - (16_384 - 2 * 8_064 - PIECE_OVERHEAD));
    pipes.host.stalled = false;
    pipes.settle();
    expect(caller.credited).toBe(4 * (8_000 + PIECE_OVERHEAD));
    expect(host.stats.queuedBytes).toBe(0);
  });

  it("is not given on by a reader that does not read, so its writer stops", () => {
    const { pipes, service, host, plugin } = connect();
    service.onCall = (call) => {
      call.inbox.takes = false;
    };
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    let given = 0;
    const cost = 1_000 + PIECE_OVERHEAD;
    const give = () => {
      for (; given * cost < INITIAL_CREDIT + caller.credited && given < 10_000; given++) {
        requests.message(piece(new Uint8Array(1_000)), false);
      }
    };
    give();
    pipes.settle();
    give();
    pipes.settle();
    expect(service.calls[0]?.inbox.messages).toHaveLength(Math.floor(16_384 / cost));
    expect(host.stats.queuedBytes).toBeLessThanOrEqual(INITIAL_CREDIT);
    expect(given).toBeLessThan(100);
    const other = new RecordingCaller();
    service.onCall = (call) => call.responses.end([], undefined);
    other.call(host, unaryHead).message(piece("x"), true);
    pipes.settle();
    expect(other.ends).toEqual([{ trailer: [], failure: undefined }]);
    expect(plugin.stats.incoming).toBe(1);
  });

  it("grows to a mebibyte for a reader that keeps up, and is given back", () => {
    const { pipes, service, host, plugin } = connect();
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    for (let i = 0; i < 64; i++) {
      requests.message(piece(new Uint8Array(65_000)), false);
      pipes.settle();
    }
    expect(plugin.stats.grownBytes).toBe(1_048_576 - 16_384);
    service.calls[0]?.responses.end([], undefined);
    pipes.settle();
    expectIdle(host, plugin);
  });

  it("grows no further than the memory of the connection allows", () => {
    const limits = { memory: 200_000, maxCalls: 10, initialWindow: 16_384 };
    const { pipes, host, plugin } = connect({ plugin: { limits } });
    const calls = Array.from({ length: 10 }, () => new RecordingCaller().call(host, streamHead));
    for (let i = 0; i < 20; i++) {
      for (const call of calls) call.message(piece(new Uint8Array(30_000)), false);
      pipes.settle();
      expect(plugin.stats.grownBytes).toBeLessThanOrEqual(200_000 - 10 * 16_384);
    }
    expect(plugin.stats.grownBytes).toBe(200_000 - 10 * 16_384);
  });
});

describe("turns", () => {
  it("let a small call pass while a message of 64 MiB is on its way", () => {
    const limits = { maxMessage: 64 * 1024 * 1024 };
    const { pipes, service, host, plugin } = connect({
      highWater: 262_144,
      host: { limits },
      plugin: { limits },
    });
    pipes.settle();
    const large = new RecordingCaller();
    large.call(plugin, streamHead).message(piece(new Uint8Array(64 * 1024 * 1024)), true);
    for (let i = 0; i < 60; i++) pipes.step();
    service.onCall = (call) => call.responses.end([], undefined);
    const small = new RecordingCaller();
    small.call(plugin, unaryHead).message(piece("x"), true);
    const before = host.stats.bytesReceived;
    while (small.ends.length === 0 && pipes.step());
    expect(small.ends).toHaveLength(1);
    expect(host.stats.bytesReceived - before).toBeLessThan(2_000_000);
    expect(service.calls[0]?.isComplete).toBe(false);
    pipes.settle();
    expect(service.calls[0]?.inbox.messages[0]?.bytes.length).toBe(64 * 1024 * 1024);
    expect(pipes.plugin.mostWaiting).toBeLessThan(262_144 + 2 * 65_600);
  });

  it("are shared alike by calls that have much to send", () => {
    const { pipes, service, plugin } = connect({ highWater: 70_000 });
    pipes.settle();
    for (let i = 0; i < 4; i++) {
      new RecordingCaller().call(plugin, streamHead).message(piece(new Uint8Array(3_000_000).fill(i)), true);
    }
    const finished: number[] = [];
    service.onCall = (call) => {
      call.onComplete = () => finished.push(plugin.stats.queuedBytes);
    };
    pipes.settle();
    expect(finished).toHaveLength(4);
    // When the first was whole, little of the others was missing.
    expect(finished[0]).toBeLessThan(600_000);
  });
});

describe("more calls than the peer takes", () => {
  it("wait for their turn, in order", () => {
    const { pipes, service, host, plugin } = connect({ plugin: { limits: { maxCalls: 2 } } });
    const callers = Array.from({ length: 5 }, () => new RecordingCaller());
    for (const [i, caller] of callers.entries()) caller.call(host, unaryHead).message(piece(`${i}`), true);
    pipes.settle();
    expect(service.calls).toHaveLength(2);
    expect(host.stats).toMatchObject({ outgoing: 2, waiting: 3 });
    for (let i = 0; i < 5; i++) {
      service.calls[i]?.responses.end([], undefined);
      pipes.settle();
    }
    expect(service.calls.map((call) => textOf(call.inbox.messages[0]?.bytes ?? new Uint8Array(0)))).toEqual([
      "0",
      "1",
      "2",
      "3",
      "4",
    ]);
    expect(callers.every((caller) => caller.ends.length === 1)).toBe(true);
    expectIdle(host, plugin);
  });

  it("are refused when too many wait", () => {
    const { pipes, host } = connect({
      plugin: { limits: { maxCalls: 1 } },
      host: { limits: { maxWaiting: 2 } },
    });
    pipes.settle();
    const callers = Array.from({ length: 4 }, () => new RecordingCaller());
    for (const caller of callers) caller.call(host, unaryHead);
    expect(callers.map((caller) => caller.ends.length)).toEqual([0, 0, 0, 1]);
    expect(callers[3]?.ends[0]?.failure).toMatchObject({
      code: 8,
      message:
        "test.v1.Test/Call was not sent to the plugin: 2 calls wait for their turn already. Make fewer calls at a time, or raise the limit.",
      info: { reason: "TOO_MANY_CALLS", fault: "caller" },
      notDelivered: true,
    });
  });

  it("are refused when too much waits to be sent", () => {
    const { pipes, host } = connect({ host: { limits: { memory: 100_000, maxCalls: 1 } } });
    pipes.settle();
    pipes.host.stalled = true;
    const sent = 16_384 - PIECE_OVERHEAD;
    for (let i = 0; i < 2; i++) {
      new RecordingCaller().call(host, streamHead).message(piece(new Uint8Array(60_000 + sent)), false);
    }
    const caller = new RecordingCaller();
    caller.call(host, unaryHead);
    expect(caller.ends[0]?.failure).toMatchObject({
      message:
        "test.v1.Test/Call was not sent to the plugin: 120000 bytes wait to be sent already. Make fewer calls at a time, or raise the limit.",
      info: { reason: "TOO_MANY_CALLS" },
      notDelivered: true,
    });
  });

  it("can be cancelled while they wait, and nobody hears of them", () => {
    const { pipes, service, host, plugin } = connect({ plugin: { limits: { maxCalls: 1 } } });
    pipes.settle();
    new RecordingCaller().call(host, unaryHead);
    const waiting = new RecordingCaller().call(host, unaryHead);
    waiting.message(piece("x"), true);
    waiting.cancel(createFailure("CANCELLED", "x"));
    expect(host.stats).toMatchObject({ outgoing: 1, waiting: 0, queuedBytes: 0 });
    service.calls[0]?.responses.end([], undefined);
    pipes.settle();
    service.calls[0]?.responses.end([], undefined);
    pipes.settle();
    expect(service.calls).toHaveLength(1);
    expectIdle(host, plugin);
  });
});

describe("a handler or caller that throws", () => {
  const failed = (who: string, text: string) => ({
    code: 13,
    message: `The ${who} of test.v1.Test/Call failed unexpectedly: ${text}`,
    info: { reason: "HANDLER_FAILED" },
  });
  const fail = (text: string) => (): never => {
    throw new Error(text);
  };
  const silent = { message: () => {}, end: () => {}, cancel: () => {}, credit: () => {} };

  it("when a call starts or a request comes fails that call alone", () => {
    const handlers = [
      fail("at the start"),
      () => ({ ...silent, message: fail("in message") }),
      () => ({ ...silent, end: fail("in end") }),
      () => ({ ...silent, end: fail("in end"), cancel: fail("in cancel") }),
    ];
    let next = 0;
    const handler = { start: () => (handlers[next++ % handlers.length] ?? fail("never"))() };
    const { pipes, host, plugin } = connect({ plugin: { handler } });
    const callers = handlers.map(() => new RecordingCaller());
    for (const [i, caller] of callers.entries()) {
      const requests = caller.call(host, streamHead);
      if (i < 2) requests.message(piece("x"), true);
      else requests.end();
    }
    pipes.settle();
    expect(callers.map((caller) => caller.ends)).toMatchObject([
      [{ failure: failed("handler", "at the start") }],
      [{ failure: failed("handler", "in message") }],
      [{ failure: failed("handler", "in end") }],
      [{ failure: failed("handler", "in end") }],
    ]);
    expectIdle(host, plugin);
  });

  it("when a response comes fails that call alone", () => {
    const { pipes, service, host, plugin } = connect();
    service.onCall = (call) => {
      call.responses.header([["x", "y"]]);
      call.responses.message(piece("x"));
      if (call.head.kind === "unary") call.responses.end([], undefined);
    };
    const ends: (CallFailure | undefined)[] = [];
    const end = (_: Metadata, failure: CallFailure | undefined) => ends.push(failure);
    const quiet = { header: () => {}, message: () => {}, end, credit: () => {} };
    host.start(streamHead, { ...quiet, header: fail("in header") });
    host.start(streamHead, { ...quiet, message: fail("in message") });
    host.start(unaryHead, { ...quiet, end: fail("in end") }).end();
    host.start(streamHead, { ...quiet, credit: fail("in credit") }).message(piece("x"), false);
    pipes.settle();
    expect(ends).toMatchObject([
      failed("caller", "in credit"),
      failed("caller", "in header"),
      failed("caller", "in message"),
    ]);
    expectIdle(host, plugin);
  });

  it("or gives things out of order does not confuse the peer", () => {
    const { pipes, service, host, plugin } = connect();
    const orders: ((call: (typeof service.calls)[number]) => void)[] = [
      (call) => {
        call.responses.message(piece("x"));
        call.responses.header([["x", "y"]]);
      },
      (call) => {
        call.responses.message(piece("x", true));
        call.responses.end([], undefined);
      },
    ];
    service.onCall = (call) => orders[service.calls.length - 1]?.(call);
    const callers = orders.map(() => new RecordingCaller());
    for (const caller of callers) caller.call(host, streamHead);
    const third = new RecordingCaller();
    const requests = third.call(host, streamHead);
    requests.message(piece("x", true), false);
    requests.end();
    pipes.settle();
    expect([...callers, third].map((caller) => caller.ends[0]?.failure?.message)).toEqual([
      "The handler of test.v1.Test/Call failed unexpectedly: it gave a header too late, or twice",
      "The handler of test.v1.Test/Call failed unexpectedly: it ended inside a message",
      "The caller of test.v1.Test/Call failed unexpectedly: it ended inside a message",
    ]);
    expectIdle(host, plugin);
  });
});

describe("the end", () => {
  it("by close fails calls on both sides with the same failure", async () => {
    const { pipes, service, host, plugin } = connect();
    const callers = [new RecordingCaller(), new RecordingCaller()];
    callers[0]?.call(host, streamHead);
    callers[1]?.call(plugin, streamHead);
    pipes.settle();
    const failure = createFailure("HOST_STOPPING", "The host stops.", { facts: { why: "asked" } });
    host.close(failure);
    host.close(closing);
    pipes.settle();
    expect(callers.map((caller) => caller.ends)).toEqual([
      [{ trailer: [], failure }],
      [{ trailer: [], failure }],
    ]);
    expect(service.calls.map((call) => call.cancels)).toEqual([[failure], [failure]]);
    expect(await host.closed).toEqual({ how: "closed", failure });
    expect(await plugin.closed).toEqual({ how: "closed", failure });
    expect([pipes.host.isClosed, pipes.plugin.isClosed]).toEqual([true, true]);
    const late = new RecordingCaller();
    const requests = late.call(plugin, unaryHead);
    requests.message(piece("x"), true);
    requests.cancel(closing);
    expect(late.ends).toEqual([{ trailer: [], failure: { ...failure, notDelivered: true } }]);
    expectIdle(host, plugin);
  });

  it("of the pipe fails calls in flight, and says which were not delivered", async () => {
    const { pipes, host, plugin } = connect({
      plugin: { limits: { maxCalls: 1 } },
      host: { peerName: "plugin kv" },
    });
    const [sent, waiting, late] = [new RecordingCaller(), new RecordingCaller(), new RecordingCaller()];
    sent.call(host, unaryHead).message(piece("x"), true);
    waiting.call(host, unaryHead).message(piece("x"), true);
    pipes.settle();
    pipes.host.break(new Error("read ECONNRESET"));
    late.call(host, unaryHead);
    const failure = {
      code: 14,
      message:
        "The connection to plugin kv was lost: read ECONNRESET. Whether a call in flight was carried out is not known.",
      info: { reason: "CONNECTION_LOST", fault: "plugin", facts: { how: "read ECONNRESET" } },
    };
    expect(sent.ends).toMatchObject([{ failure: { ...failure, notDelivered: false } }]);
    expect(waiting.ends).toMatchObject([{ failure: { ...failure, notDelivered: true } }]);
    expect(late.ends).toMatchObject([{ failure: { ...failure, notDelivered: true } }]);
    expect(await host.closed).toMatchObject({ how: "lost", failure });
    expect(await plugin.closed).toMatchObject({
      how: "lost",
      failure: {
        message:
          "The connection to the host was lost: its end was closed. Whether a call in flight was carried out is not known.",
        info: { reason: "CONNECTION_LOST", fault: "host" },
      },
    });
    expectIdle(host, plugin);
  });

  it("before the peer said anything is told as such", async () => {
    const pipes = createMemoryPipes();
    const host = createLane(pipes.host, { side: "host", handler: echo });
    const caller = new RecordingCaller();
    caller.call(host, unaryHead);
    pipes.plugin.destroy();
    expect((await host.closed).failure.info?.facts).toEqual({
      how: "its end was closed before it said anything",
    });
    expect(caller.ends[0]?.failure?.notDelivered).toBe(true);
  });

  it("told to somebody who closes again in turn comes once", async () => {
    const { pipes, service, host, plugin } = connect();
    service.onCall = (call) => {
      call.responses.message(piece("x"));
      host.close(closing);
    };
    const caller = new RecordingCaller();
    caller.call(plugin, streamHead).message(piece("x"), false);
    pipes.settle();
    expect(service.calls[0]?.cancels).toEqual([closing]);
    expect(caller.ends).toEqual([{ trailer: [], failure: closing }]);
    expectIdle(host, plugin);
  });
});

describe("going away", () => {
  it("refuses new calls of the peer as not delivered, and lets all others go on", async () => {
    const { pipes, service, host, plugin } = connect();
    const [before, crossing, waiting, after, own] = Array.from({ length: 5 }, () => new RecordingCaller());
    before?.call(plugin, streamHead);
    pipes.settle();
    const failure = createFailure("GOING_AWAY", "The host drains.");
    host.goAway(failure);
    host.goAway(closing);
    crossing?.call(plugin, unaryHead).message(piece("x"), true);
    pipes.settle();
    after?.call(plugin, unaryHead);
    waiting?.call(plugin, unaryHead);
    own?.call(host, unaryHead).message(piece("mine"), true);
    pipes.settle();
    for (const caller of [crossing, waiting, after]) {
      expect(caller?.ends).toEqual([{ trailer: [], failure: { ...failure, notDelivered: true } }]);
    }
    expect(service.calls).toHaveLength(2);
    const idle = host.idle();
    let isIdle = false;
    void idle.then(() => {
      isIdle = true;
    });
    service.calls[1]?.responses.end([], undefined);
    pipes.settle();
    await Promise.resolve();
    expect(isIdle).toBe(false);
    service.calls[0]?.responses.message(piece("last words"));
    service.calls[0]?.responses.end([], undefined);
    pipes.settle();
    await idle;
    expect(before?.inbox.messages).toHaveLength(1);
    expect(own?.ends).toEqual([{ trailer: [], failure: undefined }]);
    await host.idle();
    expectIdle(host, plugin);
  });
});

describe("a ping", () => {
  it("is answered", async () => {
    const { pipes, host, plugin } = connect();
    const pings = [host.ping(), host.ping(), plugin.ping()];
    pipes.settle();
    for (const milliseconds of await Promise.all(pings)) expect(milliseconds).toBeGreaterThanOrEqual(0);
  });

  it("by a peer whose pipe is full is answered once for all", async () => {
    const { pipes, host, plugin } = connect({ highWater: 1_000 });
    pipes.settle();
    pipes.plugin.stalled = true;
    new RecordingCaller().call(plugin, streamHead).message(piece(new Uint8Array(5_000)), false);
    pipes.settle();
    const sent = plugin.stats.bytesSent;
    const pings = Array.from({ length: 100 }, () => host.ping());
    pipes.settle();
    expect(plugin.stats.bytesSent).toBe(sent);
    pipes.plugin.stalled = false;
    pipes.settle();
    await Promise.all(pings);
    expect(plugin.stats.bytesSent).toBe(sent + 12);
  });

  it("rejects when the connection ends, or has ended", async () => {
    const { host } = connect();
    const ping = host.ping();
    host.close(closing);
    await expect(ping).rejects.toThrow("The test is over.");
    await expect(host.ping()).rejects.toThrow("The test is over.");
  });
});

describe("options out of range", () => {
  const wrong: readonly (readonly [limits: NonNullable<LaneOptions["limits"]>, message: string])[] = [
    [{ maxMessage: 0 }, "limits.maxMessage must be a whole number from 1 to 9007199254740991, but is 0"],
    [{ maxMetadata: 32_769 }, "limits.maxMetadata must be a whole number from 0 to 32768, but is 32769"],
    [{ maxCalls: 1.5 }, "limits.maxCalls must be a whole number from 1 to 9007199254740991, but is 1.5"],
    [{ maxWaiting: -1 }, "limits.maxWaiting must be a whole number from 0 to 9007199254740991, but is -1"],
    [
      { initialWindow: 100 },
      "limits.initialWindow must be a whole number from 128 to 2147483647, but is 100",
    ],
    [{ maxWindow: 1_000 }, "limits.maxWindow must be a whole number from 16384 to 2147483647, but is 1000"],
    [
      { memory: 1_000 },
      "limits.memory must be a whole number from 33554432 (maxCalls times initialWindow) to 9007199254740991, but is 1000",
    ],
    [
      { maxCancels: Number.NaN },
      "limits.maxCancels must be a whole number from 0 to 9007199254740991, but is NaN",
    ],
  ];

  for (const [limits, message] of wrong) {
    it(message, () => {
      const { host } = createMemoryPipes();
      expect(() => createLane(host, { side: "host", handler: echo, limits })).toThrow(
        new RangeError(message),
      );
    });
  }
});
