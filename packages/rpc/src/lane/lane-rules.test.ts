import {
  createFailure,
  defaultSettings,
  type FrameEncoder,
  FrameFlag,
  type LaneRule,
  laneRules,
  PREFACE,
} from "@connect-plugin/protocol";
import { afterAll, describe, expect, it } from "vitest";
import { connectRawPeer, type RawPeer } from "./fixtures/raw-peer.js";
import { RecordingCaller, streamHead, unaryHead } from "./fixtures/recording-call.js";
import type { LaneOptions } from "./lane.js";

const ready = (encoder: FrameEncoder) => encoder.preface(defaultSettings);
const empty = new Uint8Array(0);
const cancelled = createFailure("CANCELLED", "No longer wanted.");

describe("a peer that breaks a rule", () => {
  const tested = new Set<LaneRule>();
  const cases: readonly (readonly [
    rule: LaneRule,
    what: string,
    expected: string,
    act: (peer: RawPeer) => void,
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
      const peer = connectRawPeer("host", { peerName: "plugin kv", ...options });
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
    const { lane, sendBytes, pipes } = connectRawPeer("plugin");
    sendBytes(1);
    pipes.settle();
    expect((await lane.closed).failure).toMatchObject({ info: { fault: "host" } });
  });

  it("accuses, and the accused hears of it", async () => {
    const { lane, send } = connectRawPeer("host");
    send(ready);
    const failure = createFailure("LANE_PROTOCOL", "You broke it.");
    send((encoder) => encoder.goAway(0, failure, true));
    expect(await lane.closed).toEqual({ how: "lost", failure });
  });
});
