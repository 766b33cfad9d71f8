import type { Pipe } from "@connect-plugin/protocol";
import { expect, test } from "vitest";
import { createMemoryPipe } from "./memory-pipe.js";

function receive(pipe: Pipe) {
  const events: string[] = [];
  pipe.start({
    data: (bytes) => events.push(new TextDecoder().decode(bytes)),
    drained: () => events.push("(drained)"),
    closed: (error) => events.push(error === undefined ? "(closed)" : `(${error.message})`),
  });
  return events;
}

const bytes = (text: string) => new TextEncoder().encode(text);
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 5));

test("what is written arrives in order, later, and not before the other end has begun", async () => {
  const [a, b] = createMemoryPipe();
  const atA = receive(a);
  a.write(bytes("one"));
  a.write(bytes("two"));
  await turn();
  const atB = receive(b);
  expect(atB).toEqual([]);
  await turn();
  expect(atB).toEqual(["one", "two"]);
  b.write(bytes("three"));
  expect(atA).toEqual([]);
  await turn();
  expect(atA).toEqual(["three"]);
});

test("a writer that is ahead is told so, and told when it may go on", async () => {
  const [a, b] = createMemoryPipe();
  const atA = receive(a);
  receive(b);
  expect(a.write(new Uint8Array(65_536))).toBe(true);
  expect(a.write(new Uint8Array(1))).toBe(false);
  await turn();
  expect(atA).toEqual(["(drained)"]);
});

test("an orderly end comes after what is waiting, a hard one instead of it, and each is told once", async () => {
  const [a, b] = createMemoryPipe();
  const [atA, atB] = [receive(a), receive(b)];
  a.write(bytes("last"));
  a.end();
  a.write(bytes("ignored"));
  await turn();
  b.destroy();
  a.destroy();
  expect([atA, atB]).toEqual([["(closed)"], ["last", "(closed)"]]);

  const [c, d] = createMemoryPipe();
  const [atC, atD] = [receive(c), receive(d)];
  c.write(bytes("lost"));
  c.destroy();
  await turn();
  expect([atC, atD]).toEqual([["(closed)"], ["(closed)"]]);
});

test("deferred tasks run before the next turn", async () => {
  const [a] = createMemoryPipe();
  const events: string[] = [];
  setImmediate(() => events.push("turn"));
  a.defer(() => events.push("deferred"));
  events.push("now");
  await turn();
  expect(events).toEqual(["now", "deferred", "turn"]);
});
