import { describe, expect, it } from "vitest";
import { FreshIds, isLater } from "./call-ids.js";
import { createMemoryPipes } from "./fixtures/memory-pipe.js";
import { echo, piece, RecordingCaller, RecordingService, unaryHead } from "./fixtures/recording-call.js";
import { createLane } from "./lane.js";
import { LaneMux } from "./lane-mux.js";

const none = { get: () => undefined };

describe("ids of calls", () => {
  it("are even for the host and odd for the plugin, and go round", () => {
    const host = new FreshIds("host");
    expect([host.take(none), host.take(none), host.take(none)]).toEqual([2, 4, 6]);
    const plugin = new FreshIds("plugin", 0x7fff_fffd);
    expect([plugin.take(none), plugin.take(none), plugin.take(none)]).toEqual([0x7fff_fffd, 0x7fff_ffff, 1]);
    const late = new FreshIds("host", 0x7fff_fffe);
    expect([late.take(none), late.take(none)]).toEqual([0x7fff_fffe, 2]);
    expect(() => new FreshIds("host", 3)).toThrow(
      new RangeError("first must be an id of the host, but is 3"),
    );
  });

  it("that are in use are skipped", () => {
    const open = new Set([1, 3, 7]);
    const ids = new FreshIds("plugin", 0x7fff_ffff);
    const calls = { get: (id: number) => (open.has(id) ? id : undefined) };
    expect([ids.take(calls), ids.take(calls), ids.take(calls)]).toEqual([0x7fff_ffff, 5, 9]);
  });

  it("have been used if they are not later than the last", () => {
    expect(new FreshIds("plugin").used.has(1)).toBe(false);
    const fresh = new FreshIds("plugin", 0x7fff_fffd);
    for (let i = 0; i < 3; i++) fresh.take(none);
    expect([0x7fff_fffd, 0x7fff_ffff, 1, 3].map((id) => fresh.used.has(id))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect([isLater(3, 1), isLater(1, 3), isLater(1, 1), isLater(1, 0x7fff_ffff)]).toEqual([
      true,
      false,
      false,
      true,
    ]);
  });

  it("go round in the middle of a lane without anybody noticing", () => {
    const pipes = createMemoryPipes();
    const service = new RecordingService();
    const plugin = new LaneMux(pipes.plugin, { side: "plugin", handler: echo }, 0x7fff_fff9);
    const host = createLane(pipes.host, { side: "host", handler: service });
    const callers = Array.from({ length: 8 }, () => new RecordingCaller());
    for (const caller of callers) caller.call(plugin, unaryHead).message(piece("x"), true);
    pipes.settle();
    expect(service.calls).toHaveLength(8);
    for (const call of service.calls) call.responses.end([], undefined);
    pipes.settle();
    expect(callers.map(({ ends }) => ends)).toEqual(callers.map(() => [{ trailer: [], failure: undefined }]));
    expect(host.stats).toMatchObject({ outgoing: 0, incoming: 0 });
  });
});
