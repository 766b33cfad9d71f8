import { type CallHandler, createFailure } from "@connect-plugin/protocol";
import { createServiceClient, createServiceEnd, failureInfo } from "@connect-plugin/rpc";
import { Code } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { NotesService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { createGate, notes, rejection } from "../fixtures/notes.js";
import type { GrantLease } from "./grant-lease.js";
import { createGrantedCalls } from "./granted-calls.js";

/** A host that takes calls under the grants that are good, and counts how often it is asked. */
function setUp(
  options: {
    readonly lease?: Partial<GrantLease>;
    readonly reason?: "GRANT_EXPIRED" | "GRANT_INVALID" | "GRANT_SCOPE";
  } = {},
) {
  const good = new Set(["grant-1"]);
  const tried: (string | undefined)[] = [];
  let executed = 0;
  const served = createServiceEnd({
    services: [
      {
        desc: NotesService,
        implementation: {
          ...notes,
          read(...args: Parameters<typeof notes.read>) {
            executed++;
            return notes.read(...args);
          },
        },
      },
    ],
  });
  const calls: CallHandler = {
    start(head, responses) {
      tried.push(head.grant);
      if (head.grant !== undefined && good.has(head.grant)) return served.start(head, responses);
      // In a later turn, when the caller may have sent some of its requests.
      setTimeout(
        () => responses.end([], createFailure(options.reason ?? "GRANT_EXPIRED", "no longer good")),
        5,
      );
      return { message() {}, end() {}, cancel() {}, credit() {} };
    },
  };
  let current = 1;
  const lease: GrantLease = {
    current: () => `grant-${current}`,
    discard: (id) => {
      if (id === `grant-${current}`) current++;
    },
    ...options.lease,
  };
  const client = createServiceClient(NotesService, createGrantedCalls(calls, lease));
  return { client, good, tried, executed: () => executed };
}

async function* texts(...values: string[]) {
  for (const text of values) {
    await new Promise((resolve) => setImmediate(resolve));
    yield { text };
  }
}

async function collect(stream: AsyncIterable<{ readonly text: string }>) {
  const all = [];
  for await (const { text } of stream) all.push(text);
  return all;
}

test("calls are made under the grant", async () => {
  const { client, tried } = setUp();
  expect((await client.read({ name: "a" })).text).toContain("a for");
  expect(await collect(client.echo(texts("x", "y")))).toEqual(["x", "y"]);
  expect(tried).toEqual(["grant-1", "grant-1"]);
});

test("a call waits until there is a grant, with all that its caller sends meanwhile", async () => {
  const asked = createGate();
  const { client } = setUp({ lease: { current: () => asked.opened.then(() => "grant-1") } });
  const calls = Promise.all([
    client.read({ name: "a" }),
    client.import(texts("1", "2", "3")),
    collect(client.echo(texts("x", "y"))),
  ]);
  setTimeout(() => asked.open(), 10);
  const [read, imported, echoed] = await calls;
  expect(read.text).toContain("a for");
  expect(imported.count).toBe(3);
  expect(echoed).toEqual(["x", "y"]);
});

describe("a call whose grant is no longer good", () => {
  test.each(["GRANT_EXPIRED", "GRANT_INVALID"] as const)(
    "is made once more under a new one after %s",
    async (reason) => {
      const { client, good, tried, executed } = setUp({ reason });
      good.clear();
      good.add("grant-2");
      expect((await client.read({ name: "a" })).text).toContain("a for");
      expect(tried).toEqual(["grant-1", "grant-2"]);
      expect(executed()).toBe(1);
    },
  );

  test("keeps what its caller has sent, of each kind", async () => {
    const { client, good } = setUp();
    good.clear();
    good.add("grant-2");
    expect((await client.import(texts("1", "2", "3", "4"))).count).toBe(4);
    good.clear();
    good.add("grant-3");
    expect(await collect(client.echo(texts("x", "y", "z")))).toEqual(["x", "y", "z"]);
    good.clear();
    good.add("grant-4");
    expect(await collect(client.follow({ name: "n", count: 2 }))).toEqual(["n 1", "n 2"]);
  });

  test("is not made a third time", async () => {
    const { client, good, tried } = setUp();
    good.clear();
    const error = await rejection(client.read({}));
    expect(error).toMatchObject({ code: Code.Unauthenticated, rawMessage: "no longer good" });
    expect(tried).toEqual(["grant-1", "grant-2"]);
  });
});

test("any other failure is the call's own", async () => {
  const { client, good, tried } = setUp({ reason: "GRANT_SCOPE" });
  good.clear();
  expect(failureInfo(await rejection(client.read({})))?.reason).toBe("GRANT_SCOPE");
  expect(tried).toEqual(["grant-1"]);
});

test("a call that has got an answer is never repeated", async () => {
  let tries = 0;
  const calls: CallHandler = {
    start(_, responses) {
      tries++;
      setTimeout(() => {
        responses.header([["x-first", "1"]]);
        responses.end([], createFailure("GRANT_EXPIRED", "in the middle"));
      }, 1);
      return { message() {}, end() {}, cancel() {}, credit() {} };
    },
  };
  const lease: GrantLease = { current: () => "grant-1", discard() {} };
  const client = createServiceClient(NotesService, createGrantedCalls(calls, lease));
  expect(failureInfo(await rejection(client.read({})))?.reason).toBe("GRANT_EXPIRED");
  expect(tries).toBe(1);
});

test("a grant that is refused fails the call", async () => {
  const { client, tried } = setUp({ lease: { current: () => Promise.reject(new Error("no broker")) } });
  expect(await rejection(client.read({}))).toMatchObject({ code: Code.Internal });
  expect(tried).toEqual([]);
});

test("a caller that leaves while its call waits leaves nothing behind", async () => {
  const asked = createGate();
  const { client, tried } = setUp({ lease: { current: () => asked.opened.then(() => "grant-1") } });
  const error = await rejection(client.read({}, { timeoutMs: 5 }));
  expect(error).toMatchObject({ code: Code.DeadlineExceeded });
  asked.open();
  await new Promise((resolve) => setImmediate(resolve));
  expect(tried).toEqual([]);
});
