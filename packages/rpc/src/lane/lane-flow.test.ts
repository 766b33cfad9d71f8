import { createFailure, INITIAL_CREDIT, PIECE_OVERHEAD } from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { connectLanes, expectNothingLeft } from "./fixtures/connect-lanes.js";
import { piece, RecordingCaller, streamHead, textOf, unaryHead } from "./fixtures/recording-call.js";

describe("messages", () => {
  const sizes = [0, 1, 100, 65_536, 65_537, 1_000_000];

  it("of all sizes arrive whole and in order, however they are given", () => {
    const { pipes, host, service, plugin } = connectLanes({ highWater: 100_000 });
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
    expectNothingLeft(host, plugin);
  });

  it("are copied if they have to wait", () => {
    const { pipes, host, service } = connectLanes();
    const buffer = new Uint8Array(10).fill(1);
    const requests = new RecordingCaller().call(host, streamHead);
    requests.message(piece(buffer), true);
    buffer.fill(9);
    pipes.settle();
    expect(service.calls[0]?.inbox.messages[0]?.bytes).toEqual(new Uint8Array(10).fill(1));
  });

  it("that are too large end their call at the sender, and nothing else", () => {
    const { pipes, service, host, plugin } = connectLanes({ host: { limits: { maxMessage: 1_000 } } });
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
    const { pipes, service, host, plugin } = connectLanes({ plugin: { limits: { maxMessage: 1_000 } } });
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
    expectNothingLeft(host, plugin);
  });
});

describe("credit", () => {
  it("reaches the sender only when the pipe has taken what was sent", () => {
    const { pipes, host } = connectLanes({ highWater: 10_000 });
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
    const { pipes, service, host, plugin } = connectLanes();
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
    const { pipes, service, host, plugin } = connectLanes();
    const caller = new RecordingCaller();
    const requests = caller.call(host, streamHead);
    for (let i = 0; i < 64; i++) {
      requests.message(piece(new Uint8Array(65_000)), false);
      pipes.settle();
    }
    expect(plugin.stats.grownBytes).toBe(1_048_576 - 16_384);
    service.calls[0]?.responses.end([], undefined);
    pipes.settle();
    expectNothingLeft(host, plugin);
  });

  it("grows no further than the memory of the connection allows", () => {
    const limits = { memory: 200_000, maxCalls: 10, initialWindow: 16_384 };
    const { pipes, host, plugin } = connectLanes({ plugin: { limits } });
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
    const { pipes, service, host, plugin } = connectLanes({
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
    const { pipes, service, plugin } = connectLanes({ highWater: 70_000 });
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

describe("buffers", () => {
  it("are used again once the pipe has sent what is in them, and not before", () => {
    const { pipes, service, plugin } = connectLanes({ highWater: 200_000 });
    pipes.settle();
    const message = new Uint8Array(5_000_000).map((_, at) => at >>> 4);
    for (let i = 0; i < 4; i++) new RecordingCaller().call(plugin, streamHead).message(piece(message), true);
    pipes.settle();
    const received = service.calls.map((call) => call.inbox.messages[0]?.bytes ?? new Uint8Array(0));
    expect(received.map((bytes) => Buffer.compare(bytes, message))).toEqual([0, 0, 0, 0]);
    // Twenty megabytes went through three hundred frames.
    expect(pipes.plugin.buffers.size).toBeLessThan(20);
  });
});

describe("more calls than the peer takes", () => {
  it("wait for their turn, in order", () => {
    const { pipes, service, host, plugin } = connectLanes({ plugin: { limits: { maxCalls: 2 } } });
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
    expectNothingLeft(host, plugin);
  });

  it("are refused when too many wait", () => {
    const { pipes, host } = connectLanes({
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
    const { pipes, host } = connectLanes({ host: { limits: { memory: 100_000, maxCalls: 1 } } });
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
    const { pipes, service, host, plugin } = connectLanes({ plugin: { limits: { maxCalls: 1 } } });
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
    expectNothingLeft(host, plugin);
  });
});
