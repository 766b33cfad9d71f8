import { INITIAL_CREDIT } from "@connect-plugin/protocol";
import { expect, test, vi } from "vitest";
import { MessagePump, type PumpTarget } from "./message-pump.js";

const COST = INITIAL_CREDIT / 4;

function openTarget() {
  const sent: number[] = [];
  const target = {
    send: vi.fn((value: number) => {
      sent.push(value);
      return COST;
    }),
    done: vi.fn(),
    failed: vi.fn(),
    left: vi.fn(),
  } satisfies PumpTarget<number>;
  return { sent, target };
}

async function settled() {
  for (let i = 0; i < 50; i += 1) await Promise.resolve();
}

test("it stops when its credit is used up, and asks its source for no more", async () => {
  const { sent, target } = openTarget();
  let asked = 0;
  const pump = new MessagePump(
    (async function* () {
      for (; ; asked += 1) yield asked;
    })(),
    target,
  );
  pump.start();
  await settled();
  expect(sent).toEqual([0, 1, 2, 3]);
  expect(asked).toBe(3);
  pump.credited(COST - 1);
  await settled();
  expect(sent).toEqual([0, 1, 2, 3, 4]);
  pump.credited(COST);
  await settled();
  expect(sent).toEqual([0, 1, 2, 3, 4, 5]);
  pump.stop();
  await settled();
  expect(target.left).toHaveBeenCalledExactlyOnceWith(undefined);
});

test("credit that comes while it sends counts", async () => {
  const { sent, target } = openTarget();
  const pump = new MessagePump(
    (async function* () {
      for (let i = 0; i < 100; i += 1) yield i;
    })(),
    {
      ...target,
      send(value) {
        pump.credited(COST);
        return target.send(value);
      },
    },
  );
  pump.start();
  await vi.waitFor(() => expect(target.done).toHaveBeenCalledOnce());
  expect(sent).toHaveLength(100);
});

test("stopping runs the finally of a generator that waits for credit", async () => {
  const { target } = openTarget();
  const cleanup = vi.fn();
  const pump = new MessagePump(
    (async function* () {
      try {
        for (;;) yield 1;
      } finally {
        cleanup();
      }
    })(),
    target,
  );
  pump.start();
  await settled();
  pump.stop();
  pump.stop();
  await settled();
  expect(cleanup).toHaveBeenCalledOnce();
  expect(target.left).toHaveBeenCalledExactlyOnceWith(undefined);
  expect(target.done).not.toHaveBeenCalled();
});

test("a source without return is simply left", () => {
  const { target } = openTarget();
  const pump = new MessagePump<number>(
    { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
    target,
  );
  pump.start();
  pump.stop();
  expect(target.left).toHaveBeenCalledOnce();
});

test("what the source throws fails it, synchronously or not", async () => {
  const late = openTarget();
  new MessagePump(
    (async function* (): AsyncGenerator<number> {
      yield 1;
      throw new Error("late");
    })(),
    late.target,
  ).start();
  const early = openTarget();
  new MessagePump<number>(
    {
      [Symbol.asyncIterator]: () => ({
        next: () => {
          throw new Error("early");
        },
      }),
    },
    early.target,
  ).start();
  await settled();
  expect(late.sent).toEqual([1]);
  expect(late.target.failed).toHaveBeenCalledExactlyOnceWith(new Error("late"));
  expect(early.target.failed).toHaveBeenCalledExactlyOnceWith(new Error("early"));
});

test("what send throws fails it after the source was left", async () => {
  const order: string[] = [];
  const pump = new MessagePump(
    (async function* () {
      try {
        yield 1;
      } finally {
        order.push("cleanup");
      }
    })(),
    {
      send: () => {
        throw new Error("cannot be sent");
      },
      done: () => order.push("done"),
      failed: (error) => order.push(String(error)),
      left: () => order.push("left"),
    },
  );
  pump.start();
  await settled();
  expect(order).toEqual(["cleanup", "Error: cannot be sent"]);
});

test("what a source throws when it is left is told", async () => {
  const { target } = openTarget();
  const pump = new MessagePump(
    (async function* () {
      try {
        for (;;) yield 1;
      } finally {
        await Promise.reject(new Error("in finally"));
      }
    })(),
    target,
  );
  pump.start();
  await settled();
  pump.stop();
  await settled();
  expect(target.left).toHaveBeenCalledExactlyOnceWith(new Error("in finally"));
});
