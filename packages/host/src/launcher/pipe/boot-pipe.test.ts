import { encodeBootFrame, type Pipe, type PipeReceiver } from "@connect-plugin/protocol";
import { describe, expect, it } from "vitest";
import { createBootPipe } from "./boot-pipe.js";

/** The far end of a pipe, played by the test. */
class PlayedPipe implements Pipe {
  readonly sent: Buffer[] = [];
  destroyed = false;
  far!: PipeReceiver;

  start(receiver: PipeReceiver): void {
    this.far = receiver;
  }

  write(bytes: Uint8Array): boolean {
    this.sent.push(Buffer.from(bytes));
    return true;
  }

  defer(task: () => void): void {
    process.nextTick(task);
  }

  end(): void {}

  destroy(): void {
    this.destroyed = true;
    this.far.closed(undefined);
  }
}

function createTaker() {
  const told: string[] = [];
  const receiver: PipeReceiver = {
    data: (bytes) => told.push(Buffer.from(bytes).toString()),
    drained: () => told.push("<drained>"),
    closed: (error) => told.push(`<closed ${error?.message ?? "well"}>`),
  };
  return { told, receiver };
}

describe("createBootPipe", () => {
  it("gives the frame, and everything after it to the lane", async () => {
    const raw = new PlayedPipe();
    const boot = createBootPipe(raw);
    const frame = Buffer.concat([encodeBootFrame({ hello: "world" }), Buffer.from("first ")]);
    raw.far.data(frame.subarray(0, 5));
    raw.far.data(frame.subarray(5));
    frame.fill(0);
    await expect(boot.read).resolves.toEqual({ state: "frame", value: { hello: "world" } });
    raw.far.data(Buffer.from("second "));
    const { told, receiver } = createTaker();
    boot.pipe.start(receiver);
    expect(told).toEqual([]);
    raw.far.data(Buffer.from("third"));
    await new Promise(setImmediate);
    raw.far.data(Buffer.from("fourth"));
    raw.far.drained();
    raw.far.closed(new Error("cut"));
    expect(told).toEqual(["first ", "second ", "third", "fourth", "<drained>", "<closed cut>"]);
    await expect(boot.ended).resolves.toBeUndefined();
  });

  it("starts the lane at once when nothing has come early", async () => {
    const raw = new PlayedPipe();
    const boot = createBootPipe(raw);
    raw.far.data(encodeBootFrame(1));
    await boot.read;
    const { told, receiver } = createTaker();
    boot.pipe.start(receiver);
    raw.far.data(Buffer.from("x"));
    expect(told).toEqual(["x"]);
  });

  it("tells the lane an end that came before it", async () => {
    const raw = new PlayedPipe();
    const boot = createBootPipe(raw);
    raw.far.data(encodeBootFrame(1));
    raw.far.closed(undefined);
    const { told, receiver } = createTaker();
    boot.pipe.start(receiver);
    await new Promise(setImmediate);
    expect(told).toEqual(["<closed well>"]);
  });

  it("says what came instead of a frame", async () => {
    const raw = new PlayedPipe();
    const boot = createBootPipe(raw);
    raw.far.data(Buffer.from("Hello, I am a log line\n"));
    const read = await boot.read;
    if (read.state !== "broken") expect.unreachable();
    expect(read.failure.info?.reason).toBe("LANE_PROTOCOL");
    expect(read.failure.message).toContain('found "Hello, I am a log line\\n"');
  });

  it("tells an end before a frame from an end within one", async () => {
    const first = new PlayedPipe();
    const before = createBootPipe(first);
    first.far.closed(undefined);
    await expect(before.read).resolves.toEqual({ state: "ended", failure: undefined });

    const second = new PlayedPipe();
    const within = createBootPipe(second);
    second.far.data(encodeBootFrame("a text").subarray(0, 12));
    second.far.closed(undefined);
    const read = await within.read;
    if (read.state !== "ended") expect.unreachable();
    expect(read.failure?.message).toContain("the pipe ended within a boot frame, after 12 of 16 bytes");
  });

  it("cuts off a peer that sends on and on before the lane has begun", async () => {
    const raw = new PlayedPipe();
    const boot = createBootPipe(raw);
    raw.far.data(encodeBootFrame(1));
    for (let i = 0; i < 16; i++) raw.far.data(Buffer.alloc(65_536));
    expect(raw.destroyed).toBe(false);
    raw.far.data(Buffer.alloc(1));
    expect(raw.destroyed).toBe(true);
    await boot.ended;
  });
});
