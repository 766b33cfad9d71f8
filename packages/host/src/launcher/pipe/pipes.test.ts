import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { MessageChannel } from "node:worker_threads";
import type { Pipe, PipeReceiver } from "@connect-plugin/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { createRingMemory } from "./ring.js";
import { createRingPipe } from "./ring-pipe.js";
import { createSocketPipe } from "./socket-pipe.js";

/** What came out of a pipe. */
class Taker implements PipeReceiver {
  readonly chunks: Buffer[] = [];
  drains = 0;
  ends: (Error | undefined)[] = [];
  onData: (bytes: Uint8Array) => void = () => {};
  readonly closing: Promise<void>;
  #settle: () => void = () => {};

  constructor() {
    this.closing = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  data(bytes: Uint8Array): void {
    this.chunks.push(Buffer.from(bytes));
    this.onData(bytes);
  }

  drained(): void {
    this.drains += 1;
  }

  closed(error: Error | undefined): void {
    this.ends.push(error);
    this.#settle();
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }
}

interface Pair {
  readonly a: Pipe;
  readonly b: Pipe;
  /** Takes the other side of `a` away without a word. */
  cutB(): void;
}

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const clean of cleanups.splice(0)) await clean();
});

async function socketPair(): Promise<Pair> {
  const directory = await mkdtemp(join(tmpdir(), "pipe-"));
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(join(directory, "s"), resolve));
  const client = connect(join(directory, "s"));
  const peer = await accepted;
  cleanups.push(
    () => client.destroy(),
    () => peer.destroy(),
    () => server.close(),
    () => rm(directory, { recursive: true }),
  );
  return { a: createSocketPipe(client), b: createSocketPipe(peer), cutB: () => peer.destroy() };
}

async function ringPair(): Promise<Pair> {
  const { port1, port2 } = new MessageChannel();
  const [one, other] = [createRingMemory(), createRingMemory()];
  cleanups.push(() => port1.close());
  return {
    a: createRingPipe({ port: port1, incoming: one, outgoing: other }),
    b: createRingPipe({ port: port2, incoming: other, outgoing: one }),
    cutB: () => port2.close(),
  };
}

const kinds = [
  ["a socket", socketPair],
  ["a ring", ringPair],
] as const;

describe.each(kinds)("a pipe over %s", (_, makePair) => {
  async function started() {
    const pair = await makePair();
    const [atA, atB] = [new Taker(), new Taker()];
    pair.a.start(atA);
    pair.b.start(atB);
    return { ...pair, atA, atB };
  }

  it("carries bytes both ways in order, and ends in order", async () => {
    const { a, b, atA, atB } = await started();
    a.write(Buffer.from("to "));
    a.write(Buffer.from("b"));
    b.write(Buffer.from("to a"));
    await expect.poll(() => [atA.text, atB.text]).toEqual(["to a", "to b"]);
    a.end();
    await Promise.all([atA.closing, atB.closing]);
    expect(atA.ends).toEqual([undefined]);
    expect(atB.ends).toEqual([undefined]);
  });

  it("sends what is waiting before it ends", async () => {
    const { a, atB } = await started();
    const big = Buffer.alloc(5_000_000, "x");
    a.write(big);
    a.write(Buffer.from("last"));
    a.end();
    a.write(Buffer.from("too late"));
    await atB.closing;
    expect(Buffer.concat(atB.chunks)).toHaveLength(big.byteLength + 4);
    expect(atB.text.endsWith("xlast")).toBe(true);
  });

  it("says when enough is waiting, and when to go on", async () => {
    const { a, atA, atB } = await started();
    let written = 0;
    while (a.write(Buffer.alloc(65_536, written % 7))) written += 1;
    expect(written).toBeLessThan(100);
    expect(atA.drains).toBe(0);
    await expect.poll(() => atA.drains).toBe(1);
    await expect.poll(() => Buffer.concat(atB.chunks).byteLength).toBe((written + 1) * 65_536);
    expect(a.write(Uint8Array.of(1))).toBe(true);
  });

  it("owns what it was given from then on, and nothing around it", async () => {
    const { a, atB } = await started();
    const slab = new Uint8Array(1_000);
    for (let i = 0; i < 10; i++) {
      slab.fill(65 + i, i * 100, (i + 1) * 100);
      a.write(slab.subarray(i * 100, (i + 1) * 100));
    }
    await expect.poll(() => atB.text.length).toBe(1_000);
    expect(atB.text).toBe(Array.from("ABCDEFGHIJ", (letter) => letter.repeat(100)).join(""));
  });

  it("loses what is waiting when it is destroyed, and says so once on each side", async () => {
    const { a, b, atA, atB } = await started();
    b.write(Buffer.from("never read"));
    a.destroy();
    a.destroy();
    a.end();
    expect(a.write(Buffer.from("x"))).toBe(true);
    await Promise.all([atA.closing, atB.closing]);
    await delay(20);
    expect(atA.ends).toHaveLength(1);
    expect(atA.chunks).toEqual([]);
    expect(atB.ends).toHaveLength(1);
  });

  it("hears that the other side is gone", async () => {
    const { a, atA, cutB } = await started();
    cutB();
    await atA.closing;
    expect(a.write(Buffer.from("x"))).toBe(true);
    expect(atA.ends).toHaveLength(1);
  });

  it("goes on after an answer from within the reader", async () => {
    const { a, b, atA, atB } = await started();
    atB.onData = (bytes) => b.write(Buffer.from(bytes));
    let rounds = 0;
    atA.onData = () => {
      rounds += 1;
      if (rounds < 500) a.write(Buffer.from("ping"));
      else a.end();
    };
    a.write(Buffer.from("ping"));
    await atB.closing;
    expect(rounds).toBe(500);
  });

  it("defers a task to the end of the turn", async () => {
    const { a } = await started();
    const order: string[] = [];
    setImmediate(() => order.push("next turn"));
    a.defer(() => order.push("deferred"));
    order.push("now");
    await delay(5);
    expect(order).toEqual(["now", "deferred", "next turn"]);
  });
});

describe("a pipe over a ring", () => {
  it("says that the other thread went away without a word", async () => {
    const { a, cutB } = await ringPair();
    const taker = new Taker();
    a.start(taker);
    cutB();
    await taker.closing;
    expect(taker.ends).toEqual([new Error("the other thread ended without closing its pipe")]);
  });
});
