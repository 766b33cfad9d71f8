import { create, fromBinary } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { type CallFailure, createFailure, type Metadata } from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { connectLanes, expectNothingLeft } from "./fixtures/connect-lanes.js";
import { echo, piece, RecordingCaller, streamHead, textOf, unaryHead } from "./fixtures/recording-call.js";

describe("a call", () => {
  it("goes both ways, with everything that its head says", () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("that is small and unary takes one write each way", () => {
    const { pipes, plugin } = connectLanes({ host: { handler: echo } });
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

  it("that had to wait takes one write as well", () => {
    const { pipes, plugin } = connectLanes({ host: { handler: echo } });
    const caller = new RecordingCaller();
    caller.call(plugin, unaryHead).message(piece("x"), true);
    const before = plugin.stats.bytesSent;
    pipes.settle();
    expect(caller.ends).toHaveLength(1);
    expect(plugin.stats.bytesSent - before).toBe(8 + 2 + 2 + (2 + 12) + (2 + 4) + 1);
  });

  it("is gathered with others of the same turn, but the first goes at once", () => {
    const { pipes, plugin } = connectLanes({ host: { handler: echo } });
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
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("is told to the handler as cancelled, and only once", () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("that ends while the other side still talks ignores the rest", () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("carries unencoded messages in the codec of the call", () => {
    const { pipes, service, host } = connectLanes();
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
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });
});

describe("a chain of callers", () => {
  it("that is deeper than a lane carries fails the call", () => {
    const { pipes, host } = connectLanes();
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
    const { pipes, host, plugin } = connectLanes({ plugin: { handler } });
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
    expectNothingLeft(host, plugin);
  });

  it("when a response comes fails that call alone", () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("or gives things out of order does not confuse the peer", () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });
});
