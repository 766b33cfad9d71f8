import { createFailure } from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { connectLanes, expectNothingLeft } from "./fixtures/connect-lanes.js";
import { createMemoryPipes } from "./fixtures/memory-pipe.js";
import { echo, piece, RecordingCaller, streamHead, unaryHead } from "./fixtures/recording-call.js";
import { createLane } from "./lane.js";

const closing = createFailure("CONNECTION_CLOSED", "The test is over.");

describe("the end", () => {
  it("by close fails calls on both sides with the same failure", async () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("of the pipe fails calls in flight, and says which were not delivered", async () => {
    const { pipes, host, plugin } = connectLanes({
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
    expectNothingLeft(host, plugin);
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
    const { pipes, service, host, plugin } = connectLanes();
    service.onCall = (call) => {
      call.responses.message(piece("x"));
      host.close(closing);
    };
    const caller = new RecordingCaller();
    caller.call(plugin, streamHead).message(piece("x"), false);
    pipes.settle();
    expect(service.calls[0]?.cancels).toEqual([closing]);
    expect(caller.ends).toEqual([{ trailer: [], failure: closing }]);
    expectNothingLeft(host, plugin);
  });
});

describe("going away", () => {
  it("refuses new calls of the peer as not delivered, and lets all others go on", async () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });
});

describe("a ping", () => {
  it("is answered", async () => {
    const { pipes, host, plugin } = connectLanes();
    const pings = [host.ping(), host.ping(), plugin.ping()];
    pipes.settle();
    for (const milliseconds of await Promise.all(pings)) expect(milliseconds).toBeGreaterThanOrEqual(0);
  });

  it("by a peer whose pipe is full is answered once for all", async () => {
    const { pipes, host, plugin } = connectLanes({ highWater: 1_000 });
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
    const { host } = connectLanes();
    const ping = host.ping();
    host.close(closing);
    await expect(ping).rejects.toThrow("The test is over.");
    await expect(host.ping()).rejects.toThrow("The test is over.");
  });
});
