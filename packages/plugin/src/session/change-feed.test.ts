import { expect, test } from "vitest";
import { createChangeFeed } from "./change-feed.js";

test("a reader that waits is told of the next change", async () => {
  const feed = createChangeFeed();
  let value = 1;
  const reader = feed.read(() => value)[Symbol.asyncIterator]();
  const next = reader.next();
  value = 2;
  feed.changed();
  expect(await next).toEqual({ done: false, value: 2 });
});

test("changes between reading and reading become one, with the state of now", async () => {
  const feed = createChangeFeed();
  let value = 0;
  const changes = feed.read(() => value);
  for (value = 1; value < 5; value++) feed.changed();
  const reader = changes[Symbol.asyncIterator]();
  expect(await reader.next()).toEqual({ done: false, value: 5 });
  const pending = reader.next();
  feed.end();
  expect(await pending).toEqual({ done: true, value: undefined });
});

test("what changed before read() was called is not told", async () => {
  const feed = createChangeFeed();
  feed.changed();
  const reader = feed.read(() => 1)[Symbol.asyncIterator]();
  feed.end();
  expect(await reader.next()).toEqual({ done: true, value: undefined });
});

test("each reader is told", async () => {
  const feed = createChangeFeed();
  const readers = [1, 2, 3].map((n) =>
    feed
      .read(() => n)
      [Symbol.asyncIterator]()
      .next(),
  );
  feed.changed();
  expect((await Promise.all(readers)).map(({ value }) => value)).toEqual([1, 2, 3]);
});

test("a signal ends its reader, leaves no listener behind, and no other reader is touched", async () => {
  const feed = createChangeFeed();
  const leaving = new AbortController();
  const reads: number[] = [];
  const done = (async () => {
    for await (const value of feed.read(() => 1, leaving.signal)) reads.push(value);
  })();
  const other = feed
    .read(() => 2)
    [Symbol.asyncIterator]()
    .next();
  leaving.abort();
  await done;
  expect(reads).toEqual([]);
  feed.changed();
  expect(await other).toEqual({ done: false, value: 2 });
});

test("return() ends a next() that waits", async () => {
  const feed = createChangeFeed();
  const reader = feed.read(() => 1)[Symbol.asyncIterator]();
  const next = reader.next();
  await reader.return?.();
  expect(await next).toEqual({ done: true, value: undefined });
});
