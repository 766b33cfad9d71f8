import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageQueue } from "./message-queue.js";

function openQueue() {
  const told = { taken: 0, left: 0 };
  const queue = new MessageQueue<number>({
    taken: (cost) => {
      told.taken += cost;
    },
    left: () => {
      told.left += 1;
    },
  });
  return { queue, told };
}

test("messages come out in order, whether they were awaited or waited", async () => {
  const { queue, told } = openQueue();
  const first = queue.messages.next();
  const second = queue.messages.next();
  queue.push(1, 10);
  queue.push(2, 20);
  queue.push(3, 30);
  expect(told.taken).toBe(30);
  queue.end();
  expect(await first).toEqual({ done: false, value: 1 });
  expect(await second).toEqual({ done: false, value: 2 });
  expect(await queue.messages.next()).toEqual({ done: false, value: 3 });
  expect(await queue.messages.next()).toEqual({ done: true, value: undefined });
  expect(told).toEqual({ taken: 60, left: 0 });
});

test("a failure comes after the messages before it, once", async () => {
  const { queue } = openQueue();
  queue.push(1, 1);
  queue.fail(new Error("broken"));
  queue.push(2, 1);
  expect(await queue.messages.next()).toEqual({ done: false, value: 1 });
  await expect(queue.messages.next()).rejects.toThrow("broken");
  expect(await queue.messages.next()).toEqual({ done: true, value: undefined });
});

test("a failure is told to the first who waits, the others are done", async () => {
  const { queue } = openQueue();
  const first = queue.messages.next();
  const second = queue.messages.next();
  queue.fail(new Error("broken"));
  await expect(first).rejects.toThrow("broken");
  expect(await second).toEqual({ done: true, value: undefined });
});

test("leaving drops what waits and takes it off the account, and what still comes too", async () => {
  const { queue, told } = openQueue();
  queue.push(1, 10);
  queue.push(2, 20);
  for await (const value of queue.messages) {
    expect(value).toBe(1);
    break;
  }
  expect(told).toEqual({ taken: 30, left: 1 });
  queue.push(3, 30);
  expect(told).toEqual({ taken: 60, left: 1 });
  expect(await queue.messages.next()).toEqual({ done: true, value: undefined });
});

test("leaving after the end is no news", async () => {
  const { queue, told } = openQueue();
  queue.end();
  await queue.messages.return?.();
  expect(told.left).toBe(0);
});

test("it behaves like a list with a cursor", async () => {
  const action = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ do: fc.constant("push" as const), cost: fc.integer({ min: 1, max: 9 }) }),
    },
    { weight: 6, arbitrary: fc.constant({ do: "next" as const }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom({ do: "end" as const }, { do: "fail" as const }, { do: "leave" as const }),
    },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 80 }), async (actions) => {
      const { queue, told } = openQueue();
      const results: Promise<unknown>[] = [];
      const model = { pushed: [] as number[], asked: 0, taken: 0, end: "" };
      const expected: unknown[] = [];
      let failureTold = false;
      /** What the model gives for all that was asked so far. */
      const settle = () => {
        while (expected.length < model.asked) {
          const i = expected.length;
          if (i < model.pushed.length && model.end !== "leave") {
            expected.push(i);
            model.taken += model.pushed[i]!;
          } else if (model.end === "") {
            return;
          } else if (model.end === "fail" && !failureTold) {
            failureTold = true;
            expected.push("broken");
          } else {
            expected.push("done");
          }
        }
      };
      let sequence = 0;
      for (const act of actions) {
        if (act.do === "push") {
          queue.push(sequence, act.cost);
          if (model.end === "") {
            model.pushed.push(act.cost);
            sequence += 1;
          } else if (model.end === "leave") {
            model.taken += act.cost;
          }
        } else if (act.do === "next") {
          const result = queue.messages.next().then(
            ({ done, value }) => (done ? "done" : value),
            (error: Error) => error.message,
          );
          results.push(result);
          model.asked += 1;
        } else if (act.do === "leave") {
          await queue.messages.return?.();
          settle();
          for (const cost of model.pushed.slice(expected.filter((e) => typeof e === "number").length)) {
            if (model.end !== "leave") model.taken += cost;
          }
          model.end = "leave";
        } else {
          if (act.do === "end") queue.end();
          else queue.fail(new Error("broken"));
          if (model.end === "") model.end = act.do;
        }
        settle();
      }
      queue.end();
      if (model.end === "") model.end = "end";
      settle();
      expect(await Promise.all(results)).toEqual(expected);
      expect(told.taken).toBe(model.taken);
    }),
    { numRuns: 300 },
  );
});

test("a long queue is taken in order", async () => {
  const { queue } = openQueue();
  for (let i = 0; i < 5_000; i += 1) queue.push(i, 1);
  for (let i = 0; i < 4_000; i += 1) expect((await queue.messages.next()).value).toBe(i);
  for (let i = 5_000; i < 7_000; i += 1) queue.push(i, 1);
  queue.end();
  let next = 4_000;
  for await (const value of queue.messages) {
    expect(value).toBe(next);
    next += 1;
  }
  expect(next).toBe(7_000);
});
