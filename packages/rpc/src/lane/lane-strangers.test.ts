import {
  type CallHead,
  createFailure,
  defaultSettings,
  type FrameEncoder,
  FrameFlag,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { connectRawPeer } from "./fixtures/raw-peer.js";
import { RecordingCaller, streamHead, unaryHead } from "./fixtures/recording-call.js";

const ready = (encoder: FrameEncoder) => encoder.preface(defaultSettings);
const empty = new Uint8Array(0);
const cancelled = createFailure("CANCELLED", "No longer wanted.");

describe("what breaks no rule", () => {
  it("late frames for calls that are over are read and ignored", async () => {
    const { send, lane, service, heard } = connectRawPeer("host");
    send(ready);
    const caller = new RecordingCaller();
    caller.call(lane, unaryHead);
    send((encoder) => encoder.head(1, unaryHead, 0));
    service.calls[0]?.responses.end([], undefined);
    send((encoder) => {
      encoder.end(2);
      for (const id of [1, 2]) {
        encoder.data(id, empty, 0, 0, 0);
        encoder.credit(id, 100);
        encoder.end(id);
        encoder.reset(id, cancelled);
      }
      encoder.outcome(2, [["x-defined-late", "1"]], undefined);
      encoder.header(2, [["x-defined-late", "2"]]);
      encoder.head(3, { ...unaryHead, header: [["x-defined-late", "3"]] }, 0);
    });
    expect(service.calls[1]?.head.header).toEqual([["x-defined-late", "3"]]);
    expect(caller.ends).toEqual([{ trailer: [], failure: undefined }]);
    expect(heard.filter(({ is }) => is === "go-away")).toEqual([]);
    expect(lane.stats).toMatchObject({ outgoing: 0, incoming: 1 });
  });

  it("a message that is too large is answered by a reset, and the connection goes on", () => {
    const { send, lane, service, heard } = connectRawPeer("host", { limits: { maxMessage: 1_000 } });
    send(ready);
    send((encoder) => encoder.head(1, streamHead, 0));
    send((encoder) => encoder.data(1, new Uint8Array(600), 0, 600, FrameFlag.MORE));
    send((encoder) => encoder.data(1, new Uint8Array(600), 0, 600, 0));
    const failure = {
      code: 8,
      message:
        "A request message of test.v1.Test/Call is larger than the 1000 bytes that are allowed. Send it as a stream of smaller ones, or raise the limit.",
      info: { reason: "MESSAGE_TOO_LARGE", fault: "caller" },
    };
    expect(heard).toMatchObject([{ is: "reset", failure }]);
    expect(service.calls[0]?.cancels).toMatchObject([failure]);
    const caller = new RecordingCaller();
    caller.call(lane, unaryHead);
    send((encoder) => encoder.data(2, new Uint8Array(1_001), 0, 1_001, FrameFlag.END));
    expect(caller.ends).toMatchObject([
      { failure: { info: { reason: "MESSAGE_TOO_LARGE", fault: "plugin" } } },
    ]);
    expect(lane.stats).toMatchObject({ outgoing: 0, incoming: 0 });
  });

  it("metadata that is too large is answered by a reset, and the connection goes on", () => {
    const { send, lane, service, heard } = connectRawPeer("host");
    send(ready);
    const large = [["x-large", "v".repeat(17_000)]] as const;
    send((encoder) => {
      encoder.head(1, { ...unaryHead, header: large }, 0);
      encoder.data(1, empty, 0, 0, FrameFlag.END);
    });
    const message = (whose: string) =>
      `The header or trailer of a ${whose} of test.v1.Test/Call is larger than the 16384 bytes that are allowed. Send data of that size in a message.`;
    expect(heard).toMatchObject([
      { is: "reset", failure: { message: message("request"), info: { reason: "METADATA_TOO_LARGE" } } },
    ]);
    expect(service.calls).toEqual([]);
    const callers = [new RecordingCaller(), new RecordingCaller()];
    for (const caller of callers) caller.call(lane, unaryHead);
    send((encoder) => {
      encoder.header(2, large);
      encoder.outcome(4, large, undefined);
    });
    for (const { ends } of callers) {
      expect(ends).toMatchObject([
        {
          failure: { message: message("response"), info: { reason: "METADATA_TOO_LARGE", fault: "plugin" } },
        },
      ]);
    }
    expect(lane.stats).toMatchObject({ outgoing: 0, incoming: 0 });
  });

  it("frames of unknown types are ignored", async () => {
    const { send, sendBytes, lane, pipes, heard } = connectRawPeer("host");
    send(ready);
    sendBytes(0, 0, 3, 0x0b, 0, 0, 0, 0, 1, 2, 3);
    sendBytes(0, 0, 0, 0xf9, 0xff, 0xff, 0xff, 0xff);
    pipes.settle();
    void lane.ping();
    pipes.settle();
    expect(heard).toEqual([{ is: "other", failure: undefined }]);
  });
});

describe("a peer that floods and does not read", () => {
  const failure = createFailure("NO_PROVIDER", "m".repeat(1_000));
  const refusing = {
    start: (_: CallHead, responses: ResponseSink) => {
      responses.end([], failure);
      return { message: () => {}, end: () => {}, cancel: () => {}, credit: () => {} };
    },
  };

  it("with calls that fail at once cannot make answers pile up", async () => {
    const { send, lane, pipes } = connectRawPeer("host", {
      limits: { maxCalls: 50 },
      handler: refusing,
      highWater: 10_000,
    });
    send(ready);
    pipes.host.stalled = true;
    send((encoder) => {
      for (let id = 1; id < 20_000; id += 2) encoder.head(id, unaryHead, 0);
    });
    // Answers that could not be sent count as open calls, of which there may be 50.
    expect((await lane.closed).failure.info?.facts).toEqual({ rule: "too-many-calls" });
    expect(pipes.host.mostWaiting).toBeLessThan(10_000 + 65_536 + 2_000);
  });

  it("with calls that it cancels cannot make answers pile up", async () => {
    const { send, lane, pipes } = connectRawPeer("host", { handler: refusing, highWater: 10_000 });
    send(ready);
    pipes.host.stalled = true;
    send((encoder) => {
      for (let id = 1; id < 20_000; id += 2) {
        encoder.head(id, unaryHead, 0);
        encoder.reset(id, cancelled);
      }
    });
    expect((await lane.closed).failure.info?.facts).toEqual({ rule: "too-many-cancels" });
    expect(pipes.host.mostWaiting).toBeLessThan(10_000 + 65_536 + 2_000);
  });

  it("with heads that are too large cannot make answers pile up", async () => {
    const limits = { maxMetadata: 10, maxCalls: 50 };
    const { send, lane, pipes } = connectRawPeer("host", {
      limits,
      peerName: "p".repeat(300),
      highWater: 1_000,
    });
    send(ready);
    pipes.host.stalled = true;
    for (let id = 1; id < 2_000; id += 2) {
      send((encoder) => encoder.head(id, { ...unaryHead, header: [["x-name", "value"]] }, 0));
    }
    expect((await lane.closed).failure.info?.facts).toEqual({ rule: "too-many-calls" });
    expect(pipes.host.mostWaiting).toBeLessThan(4_000);
  });

  it("with pings gets one answer", () => {
    const { send, lane, pipes, heard } = connectRawPeer("host", { highWater: 1_000 });
    send(ready);
    pipes.host.stalled = true;
    for (let i = 0; i < 1_000; i++) send((encoder) => encoder.ping(i, false));
    expect(lane.stats.bytesSent).toBeLessThan(2_000);
    pipes.host.stalled = false;
    pipes.settle();
    expect(heard.length).toBeLessThan(100);
  });

  it("with messages that nobody takes is cut off at the credit that it has", async () => {
    const { send, lane, service } = connectRawPeer("host");
    service.onCall = (call) => {
      call.inbox.takes = false;
    };
    send(ready);
    send((encoder) => {
      for (let id = 1; id < 200; id += 2) encoder.head(id, streamHead, 0);
      for (let id = 1; id < 200; id += 2) encoder.data(id, new Uint8Array(16_320), 0, 16_320, FrameFlag.MORE);
    });
    const held = service.calls.reduce((sum, call) => sum + call.inbox.untaken, 0);
    expect(held).toBe(100 * 16_384);
    send((encoder) => encoder.data(7, empty, 0, 0, FrameFlag.MORE));
    expect((await lane.closed).failure.info?.facts).toEqual({ rule: "credit" });
  });
});
