import {
  ByteWriter,
  type CallFailure,
  type CallHead,
  createFailure,
  defaultSettings,
  FrameDecoder,
  FrameEncoder,
  FrameFlag,
  type FrameVisitor,
  type LaneRule,
  type LaneSide,
  laneRules,
  PREFACE,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { createMemoryPipes } from "./fixtures/memory-pipe.js";
import { RecordingCaller, RecordingService, streamHead, unaryHead } from "./fixtures/recording-call.js";
import { FrameReader } from "./frame-reader.js";
import { createLane, type LaneOptions } from "./lane.js";

// One side of these lanes is ours; the other says what the test tells it to.

interface Heard {
  readonly is: "reset" | "go-away" | "end" | "other";
  readonly failure: CallFailure | undefined;
}

/** A peer that breaks rules. */
function connectTo(side: LaneSide, options: Partial<LaneOptions> = {}, highWater = Number.POSITIVE_INFINITY) {
  const pipes = createMemoryPipes({ highWater });
  const [ours, theirs] = side === "host" ? [pipes.host, pipes.plugin] : [pipes.plugin, pipes.host];
  const heard: Heard[] = [];
  const other = () => heard.push({ is: "other", failure: undefined });
  const visitor: FrameVisitor = {
    settings: () => {},
    head: other,
    headTooLarge: other,
    header: other,
    metadataTooLarge: other,
    data: other,
    end: (_id, _trailer, failure) => heard.push({ is: "end", failure }),
    reset: (_id, failure) => heard.push({ is: "reset", failure }),
    credit: other,
    ping: other,
    goAway: (_last, failure) => heard.push({ is: "go-away", failure }),
  };
  const peerSide = side === "host" ? "plugin" : "host";
  const reader = new FrameReader(
    new FrameDecoder(visitor, { side: peerSide, maxMetadata: 32_768, now: () => 0 }),
  );
  theirs.start({ data: (bytes) => reader.read(bytes), drained: () => {}, closed: () => {} });
  const writer = new ByteWriter(new Uint8Array(256));
  const encoder = new FrameEncoder(writer);
  const service = new RecordingService();
  const lane = createLane(ours, { side, handler: service, ...options });
  const sendBytes = (...bytes: number[]) => theirs.write(Uint8Array.from(bytes));
  /** Sends what `say` writes, and lets it arrive. */
  const send = (say: (encoder: FrameEncoder) => void) => {
    say(encoder);
    encoder.seal();
    theirs.write(writer.bytes.slice(0, writer.at));
    writer.at = 0;
    pipes.settle();
  };
  return { pipes, lane, service, heard, send, sendBytes, theirs };
}

const ready = (encoder: FrameEncoder) => encoder.preface(defaultSettings);
const empty = new Uint8Array(0);
const cancelled = createFailure("CANCELLED", "No longer wanted.");

describe("a peer that breaks a rule", () => {
  const tested = new Set<LaneRule>();
  type Connected = ReturnType<typeof connectTo>;
  const cases: readonly (readonly [
    rule: LaneRule,
    what: string,
    expected: string,
    act: (peer: Connected) => void,
    options?: Partial<LaneOptions>,
  ])[] = [
    [
      "preface",
      "writes something else",
      'The lane\'s preface "\\xf0cplane\\x01" was expected first, but "Listening on 8080\\n" came',
      ({ sendBytes }) => sendBytes(...Buffer.from("Listening on 8080\n")),
    ],
    [
      "preface",
      "writes something else, a little at a time and much of it",
      `The lane's preface "\\xf0cplane\\x01" was expected first, but "\\xf0cp${"x".repeat(61)}…" came`,
      ({ sendBytes, pipes }) => {
        sendBytes(0xf0, 0x63);
        pipes.settle();
        sendBytes(0x70, ...Buffer.from("x".repeat(500)));
      },
    ],
    [
      "preface",
      "speaks another version",
      "Version 1 of the lane was expected, but it speaks version 2. Use releases of the host and of the plugin's SDK that speak the same",
      ({ sendBytes }) => sendBytes(...PREFACE.slice(0, 7), 2),
    ],
    [
      "settings",
      "does not send its settings",
      "SETTINGS must come first, but HEAD did",
      ({ sendBytes }) => sendBytes(...PREFACE, 0, 0, 0, 1, 0, 0, 0, 1),
    ],
    [
      "frame-length",
      "announces a frame that is too long",
      "DATA may have 131072 bytes, but this one has 16777215",
      ({ send, sendBytes }) => {
        send(ready);
        sendBytes(0xff, 0xff, 0xff, 2);
        sendBytes(0, 0, 0, 1);
      },
    ],
    [
      "frame-id",
      "sends data to nobody",
      "DATA must have the id of a call, from 1 to 2147483647, but has 0",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.data(0, empty, 0, 0, 0));
      },
    ],
    [
      "frame-content",
      "sends half a frame as a whole one",
      "RESET must be well-formed, but has 0 more bytes where 1 more are needed",
      ({ send, sendBytes }) => {
        send(ready);
        sendBytes(0, 0, 0, 4, 0, 0, 0, 1);
      },
    ],
    [
      "reference",
      "refers to what is not there",
      "A reference must be to something defined, but name 7 is not",
      ({ send, sendBytes }) => {
        send(ready);
        sendBytes(0, 0, 6, 1, 0, 0, 0, 1, 0, 4, 0, 0, 9, 9);
      },
    ],
    [
      "id-order",
      "uses an id again",
      "Ids of calls must go up, but 3 was opened after 3",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.head(3, unaryHead, 0));
        send((encoder) => encoder.reset(3, cancelled));
        send((encoder) => encoder.head(3, unaryHead, 0));
      },
    ],
    [
      "id-order",
      "goes back",
      "Ids of calls must go up, but 1 was opened after 3",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.head(3, unaryHead, 0));
        send((encoder) => encoder.head(1, unaryHead, 0));
      },
    ],
    [
      "unknown-call",
      "opens a call with an id of the other side",
      "Frames must be about calls that have been opened, but the host has not opened call 2",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.header(2, []));
      },
    ],
    [
      "unknown-call",
      "sends data for a call that was never opened",
      "Frames must be about calls that have been opened, but the plugin has not opened call 5",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.head(3, unaryHead, 0));
        send((encoder) => encoder.data(5, empty, 0, 0, 0));
      },
    ],
    [
      "call-order",
      "sends data after the end",
      "Nothing may follow END, but DATA did on call 1",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.head(1, streamHead, 0));
        send((encoder) => encoder.end(1));
        send((encoder) => encoder.data(1, empty, 0, 0, 0));
      },
    ],
    [
      "call-order",
      "ends twice",
      "Nothing may follow END, but END did on call 1",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.head(1, streamHead, 0));
        send((encoder) => encoder.end(1));
        send((encoder) => encoder.end(1));
      },
    ],
    [
      "call-order",
      "ends inside a message",
      "A message must be whole before END, but on call 1 END came inside one",
      ({ send }) => {
        send(ready);
        send((encoder) => encoder.head(1, streamHead, 0));
        send((encoder) => encoder.data(1, empty, 0, 0, FrameFlag.MORE));
        send((encoder) => encoder.end(1));
      },
    ],
    [
      "call-order",
      "answers without an end to its message",
      "A message must be whole before END, but on call 2 END came inside one",
      ({ send, lane }) => {
        send(ready);
        new RecordingCaller().call(lane, unaryHead);
        send((encoder) => encoder.data(2, empty, 0, 0, FrameFlag.MORE));
        send((encoder) => encoder.end(2));
      },
    ],
    [
      "call-order",
      "sends a header twice",
      "A response must begin with its HEAD, but on call 2 HEAD came later",
      ({ send, lane }) => {
        send(ready);
        new RecordingCaller().call(lane, unaryHead);
        send((encoder) => encoder.header(2, []));
        send((encoder) => encoder.header(2, []));
      },
    ],
    [
      "credit",
      "sends more than it may",
      "No more may be sent than was credited, but on call 1 1000 bytes, and 64 for the frame, came on 1000 of credit",
      ({ send, service }) => {
        service.onCall = (call) => {
          call.inbox.takes = false;
        };
        send(ready);
        send((encoder) => encoder.head(1, streamHead, 0));
        send((encoder) => encoder.data(1, new Uint8Array(15_320), 0, 15_320, 0));
        send((encoder) => encoder.data(1, new Uint8Array(1_000), 0, 1_000, 0));
      },
    ],
    [
      "credit",
      "sends more messages without any bytes than it may",
      "No more may be sent than was credited, but on call 1 0 bytes, and 64 for the frame, came on 0 of credit",
      ({ send, service }) => {
        service.onCall = (call) => {
          call.inbox.takes = false;
        };
        send(ready);
        send((encoder) => encoder.head(1, streamHead, 0));
        send((encoder) => {
          for (let i = 0; i < 16_384 / 64 + 1; i++) encoder.data(1, empty, 0, 0, 0);
        });
      },
    ],
    [
      "credit",
      "gives more than can be counted",
      "A call may have 2147483647 of credit, but call 2 was given 2147500031",
      ({ send, lane }) => {
        send(ready);
        new RecordingCaller().call(lane, unaryHead);
        send((encoder) => encoder.credit(2, 0x7fff_ffff));
      },
    ],
    [
      "too-many-calls",
      "opens more calls than it may",
      "2 calls may be open at a time, but 5 was opened beside as many",
      ({ send }) => {
        send(ready);
        send((encoder) => {
          for (const id of [1, 3, 5]) encoder.head(id, unaryHead, 0);
        });
      },
      { limits: { maxCalls: 2 } },
    ],
    [
      "too-many-cancels",
      "cancels calls by the thousand",
      "Calls may be cancelled, but not more than 100 beyond those that are not",
      ({ send }) => {
        send(ready);
        send((encoder) => {
          for (let id = 1; id < 20_000; id += 2) {
            encoder.head(id, unaryHead, 0);
            encoder.reset(id, cancelled);
          }
        });
      },
      { limits: { maxCancels: 100 } },
    ],
  ];

  for (const [rule, what, expected, act, options] of cases) {
    it(`${rule}: ${what}`, async () => {
      tested.add(rule);
      const peer = connectTo("host", { peerName: "plugin kv", ...options });
      const caller = new RecordingCaller();
      act(peer);
      peer.pipes.settle();
      const failure = {
        code: 13,
        message: `The lane to plugin kv ended because it broke a rule: ${expected}. Its SDK is at fault, or something else writes into its pipe.`,
        info: { reason: "LANE_PROTOCOL", fault: "plugin", facts: { rule } },
      };
      expect(await peer.lane.closed).toMatchObject({ how: "lost", failure });
      expect(peer.heard.at(-1)).toMatchObject({ is: "go-away", failure });
      for (const call of peer.service.calls) expect(call.cancels).toHaveLength(1);
      caller.call(peer.lane, unaryHead);
      expect(caller.ends).toMatchObject([{ failure: { ...failure, notDelivered: true } }]);
      expect(peer.pipes.host.isClosed).toBe(true);
      expect(peer.lane.stats).toMatchObject({
        outgoing: 0,
        incoming: 0,
        waiting: 0,
        queuedBytes: 0,
        grownBytes: 0,
      });
    });
  }

  afterAll(() => {
    expect([...tested].sort()).toEqual([...laneRules].sort());
  });

  it("hears whose fault it is if it is the host", async () => {
    const { lane, sendBytes, pipes } = connectTo("plugin");
    sendBytes(1);
    pipes.settle();
    expect((await lane.closed).failure).toMatchObject({ info: { fault: "host" } });
  });

  it("accuses, and the accused hears of it", async () => {
    const { lane, send } = connectTo("host");
    send(ready);
    const failure = createFailure("LANE_PROTOCOL", "You broke it.");
    send((encoder) => encoder.goAway(0, failure, true));
    expect(await lane.closed).toEqual({ how: "lost", failure });
  });
});

describe("what breaks no rule", () => {
  it("late frames for calls that are over are read and ignored", async () => {
    const { send, lane, service, heard } = connectTo("host");
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
    const { send, lane, service, heard } = connectTo("host", { limits: { maxMessage: 1_000 } });
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
    const { send, lane, service, heard } = connectTo("host");
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
    const { send, sendBytes, lane, pipes, heard } = connectTo("host");
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
    const { send, lane, pipes } = connectTo("host", { limits: { maxCalls: 50 }, handler: refusing }, 10_000);
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
    const { send, lane, pipes } = connectTo("host", { handler: refusing }, 10_000);
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
    const { send, lane, pipes } = connectTo("host", { limits, peerName: "p".repeat(300) }, 1_000);
    send(ready);
    pipes.host.stalled = true;
    for (let id = 1; id < 2_000; id += 2) {
      send((encoder) => encoder.head(id, { ...unaryHead, header: [["x-name", "value"]] }, 0));
    }
    expect((await lane.closed).failure.info?.facts).toEqual({ rule: "too-many-calls" });
    expect(pipes.host.mostWaiting).toBeLessThan(4_000);
  });

  it("with pings gets one answer", () => {
    const { send, lane, pipes, heard } = connectTo("host", {}, 1_000);
    send(ready);
    pipes.host.stalled = true;
    for (let i = 0; i < 1_000; i++) send((encoder) => encoder.ping(i, false));
    expect(lane.stats.bytesSent).toBeLessThan(2_000);
    pipes.host.stalled = false;
    pipes.settle();
    expect(heard.length).toBeLessThan(100);
  });

  it("with messages that nobody takes is cut off at the credit that it has", async () => {
    const { send, lane, service } = connectTo("host");
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
