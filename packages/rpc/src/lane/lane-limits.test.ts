import type { Metadata } from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { connectLanes, expectNothingLeft } from "./fixtures/connect-lanes.js";
import { createMemoryPipes } from "./fixtures/memory-pipe.js";
import { echo, piece, RecordingCaller, unaryHead } from "./fixtures/recording-call.js";
import { createLane, type LaneOptions } from "./lane.js";

describe("metadata that is too large", () => {
  const large: Metadata = [["x-large", "v".repeat(16_384)]];
  const message = (whose: string) =>
    `The header or trailer of a ${whose} of test.v1.Test/Call is larger than the 16384 bytes that are allowed. Send data of that size in a message.`;

  it("in a request fails before anything is sent", () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("in a header or trailer of a response fails the call for both", () => {
    const { pipes, service, host, plugin } = connectLanes();
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
    expectNothingLeft(host, plugin);
  });

  it("together with names and callers fails as well", () => {
    const { pipes, host } = connectLanes();
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
