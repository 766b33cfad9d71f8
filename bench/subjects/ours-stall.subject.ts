// connect-plugin: a plugin stops reading a stream of another one, while both and others go on with other things.
import { createHost } from "@connect-plugin/host";
import { DriverService } from "../gen/bench/v1/driver_pb.js";
import { StoreService } from "../gen/bench/v1/store_pb.js";
import { serveOrders } from "../harness/serve-orders.js";
import { ECHO_TEXT_BYTES } from "../services/echo-service.js";
import { childPlugins } from "./ours-plugins.js";

export interface StallOrder {
  readonly ms: number;
}

export interface Neighbours {
  /** From `caller` to `echo`, which have no part in the stalled stream. */
  readonly callsPerSecond: number;
  /** From `store` to `driver`, the two of the stalled stream. */
  readonly mibPerSecond: number;
}

export interface StallReport {
  /** What the writer of the stalled stream sent until it should have stopped. */
  readonly sentAtFirstMib: number;
  /** What it sent from then on, while the reader still did not read. */
  readonly sentLaterMib: number;
  readonly stalled: Neighbours;
  readonly alone: Neighbours;
}

const MIB = 1 << 20;
const MESSAGE_BYTES = 65_536;
const NEIGHBOUR_COUNT = 1_000;
const STALLED_COUNT = 4_000;
const settleMs = 300;

const host = createHost({ plugins: childPlugins() });
await host.start();
const driver = host.client(DriverService, { plugin: "driver" });
const caller = host.client(DriverService, { plugin: "caller" });
const store = host.client(StoreService, { plugin: "store" });

await serveOrders(
  async ({ ms }: StallOrder): Promise<StallReport> => {
    const alone = await measureNeighbours(ms);
    const before = await countSent();
    // Long enough for everything below, and ended by hand.
    const stop = new AbortController();
    const stalledRead = driver.driveRead(
      { count: STALLED_COUNT, messageBytes: MESSAGE_BYTES, stallMs: 60_000 },
      { signal: stop.signal, timeoutMs: 120_000 },
    );
    const outcome = stalledRead.then(
      () => "read to its end",
      () => "aborted",
    );
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const settled = await countSent();
    const stalled = await measureNeighbours(ms);
    const after = await countSent();
    stop.abort();
    if ((await outcome) !== "aborted")
      throw new Error("wanted a stalled stream, found one that was read to its end");
    return {
      sentAtFirstMib: toMib(settled - before),
      sentLaterMib: toMib(after - settled - NEIGHBOUR_COUNT),
      stalled,
      alone,
    };
  },
  async () => {
    await host.stop();
  },
);

async function measureNeighbours(ms: number): Promise<Neighbours> {
  const load = await caller.driveEcho({ inFlight: 32, milliseconds: ms, bytes: ECHO_TEXT_BYTES });
  const read = await driver.driveRead({ count: NEIGHBOUR_COUNT, messageBytes: MESSAGE_BYTES });
  return {
    callsPerSecond: load.calls / (load.milliseconds / 1000),
    mibPerSecond: read.bytes / MIB / (read.milliseconds / 1000),
  };
}

async function countSent(): Promise<number> {
  return (await store.countSent({})).messages;
}

function toMib(messages: number): number {
  return (messages * MESSAGE_BYTES) / MIB;
}
