import { create } from "@bufbuild/protobuf";
import { Int32ValueSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type CallFailure,
  type CallHandler,
  type CallHead,
  createFailure,
  type Piece,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ParentCall } from "./call-context.js";
import { Cancellation } from "./cancellation.js";
import { failureInfo } from "./connect-failure.js";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { createServiceClient, type ServiceClientOptions } from "./service-client.js";
import { createServiceEnd } from "./service-end.js";

afterEach(() => {
  vi.useRealTimers();
});

/** A provider played by hand. */
function openProvider(options: ServiceClientOptions = {}) {
  const heads: CallHead[] = [];
  const received: unknown[] = [];
  let responses: ResponseSink | undefined;
  const calls: CallHandler = {
    start(head, sink) {
      heads.push(head);
      responses = sink;
      return {
        message: (piece, last) =>
          received.push([piece.form === "message" && (piece.message as { value?: unknown }).value, last]),
        end: () => received.push("end"),
        cancel: (failure) => received.push(failure),
        credit: (bytes) => received.push(bytes),
      } satisfies RequestSink;
    },
  };
  return {
    heads,
    received,
    get responses() {
      if (responses === undefined) throw new Error("no call has begun");
      return responses;
    },
    client: createServiceClient(EchoService, calls, options),
  };
}

function text(value: string): Piece {
  return { form: "message", desc: StringValueSchema, message: create(StringValueSchema, { value }) };
}

function int(value: number): Piece {
  return { form: "message", desc: Int32ValueSchema, message: create(Int32ValueSchema, { value }) };
}

async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) throw new Error(`expected a ConnectError, got ${String(error)}`);
  return error;
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}

describe("the head", () => {
  test("says what is called and how", async () => {
    const provider = openProvider({ target: "kv", header: [["x-own", "1"]], grant: () => "grant-1" });
    const before = performance.now();
    const reply = provider.client.say({ value: "hi" }, { headers: { "X-Mine": "2" } });
    provider.responses.message(text("ho"));
    provider.responses.end([], undefined);
    expect(await reply).toMatchObject({ value: "ho" });
    expect(provider.heads).toEqual([
      {
        service: "test.v1.EchoService",
        method: "Say",
        kind: "unary",
        codec: "proto",
        acceptGzip: false,
        header: [
          ["x-own", "1"],
          ["x-mine", "2"],
        ],
        deadline: expect.any(Number),
        parent: undefined,
        target: "kv",
        grant: "grant-1",
        id: undefined,
        chain: undefined,
      },
    ]);
    const { deadline } = provider.heads[0]!;
    expect(deadline).toBeGreaterThanOrEqual(before + 30_000);
    expect(deadline).toBeLessThanOrEqual(performance.now() + 30_000);
    expect(provider.received).toEqual([["hi", true]]);
  });

  test("has no deadline for streams, or where none is wanted", () => {
    const provider = openProvider();
    provider.client.count({});
    void provider.client.say({}, { timeoutMs: 0 });
    expect(provider.heads.map(({ deadline }) => deadline)).toEqual([Infinity, Infinity]);
  });

  test("has the default deadline that was set", () => {
    const provider = openProvider({ defaultTimeoutMs: 5 });
    const before = performance.now();
    void provider.client.count({});
    expect(provider.heads[0]?.deadline).toBeGreaterThanOrEqual(before + 5);
    expect(provider.heads[0]?.deadline).toBeLessThan(before + 5_000);
  });

  test("waits for a grant that has to be asked for", async () => {
    const provider = openProvider({ grant: async () => "grant-2" });
    const reply = provider.client.say({});
    expect(provider.heads).toEqual([]);
    await vi.waitFor(() => expect(provider.heads).toMatchObject([{ grant: "grant-2" }]));
    provider.responses.message(text(""));
    provider.responses.end([], undefined);
    await reply;
  });

  test("is not sent if the grant cannot be had, or comes too late", async () => {
    const denied = new ConnectError("no grant", Code.PermissionDenied);
    const provider = openProvider({ grant: () => Promise.reject(denied) });
    expect(await failureOf(provider.client.say({}))).toBe(denied);
    const abort = new AbortController();
    const late = openProvider({ grant: () => Promise.resolve("late") });
    const reply = late.client.say({}, { signal: abort.signal });
    abort.abort();
    expect(await failureOf(reply)).toMatchObject({ code: Code.Canceled });
    await new Promise((resolve) => setImmediate(resolve));
    expect([...provider.heads, ...late.heads]).toEqual([]);
  });

  test("is not sent with headers that cannot be", async () => {
    const provider = openProvider();
    const options = { headers: { "bad name": "x" } };
    const errors = [
      await failureOf(provider.client.say({}, options)),
      await failureOf(drain(provider.client.count({}, options))),
    ];
    for (const error of errors) {
      expect(error).toMatchObject({
        code: Code.InvalidArgument,
        rawMessage: 'Metadata names are lower-case HTTP tokens; "bad name" is not one.',
      });
      expect(failureInfo(error)).toMatchObject({ reason: "METADATA_INVALID", fault: "caller" });
    }
    expect(provider.heads).toEqual([]);
  });
});

describe("a deadline", () => {
  test("ends the call on both sides", async () => {
    vi.useFakeTimers();
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}, { timeoutMs: 100 }));
    await vi.advanceTimersByTimeAsync(90);
    expect(provider.received).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(20);
    const error = await failed;
    expect(error).toMatchObject({
      code: Code.DeadlineExceeded,
      rawMessage:
        "test.v1.EchoService/Say was not answered within 100 ms. Set timeoutMs if it may take longer.",
    });
    expect(failureInfo(error)).toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(provider.received[1]).toMatchObject({ info: { reason: "DEADLINE_EXCEEDED" } });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of a stream ends it in the middle", async () => {
    vi.useFakeTimers();
    const provider = openProvider();
    const messages = provider.client.count({}, { timeoutMs: 100 })[Symbol.asyncIterator]();
    provider.responses.message(int(1));
    expect(await messages.next()).toMatchObject({ value: { value: 1 } });
    const failed = failureOf(messages.next());
    await vi.advanceTimersByTimeAsync(110);
    expect(await failed).toMatchObject({ code: Code.DeadlineExceeded });
    expect(await messages.next()).toEqual({ done: true, value: undefined });
  });

  test("is 30 s for a unary call", async () => {
    vi.useFakeTimers();
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}));
    await vi.advanceTimersByTimeAsync(29_900);
    expect(provider.received).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(200);
    expect(await failed).toMatchObject({ code: Code.DeadlineExceeded });
  });
});

describe("a signal", () => {
  test("ends the call on both sides", async () => {
    const provider = openProvider();
    const abort = new AbortController();
    const failed = failureOf(provider.client.say({}, { signal: abort.signal }));
    const reason = new Error("the user pressed escape");
    abort.abort(reason);
    const error = await failed;
    expect(error).toMatchObject({
      code: Code.Canceled,
      rawMessage: "test.v1.EchoService/Say was cancelled: its caller's signal was aborted.",
      cause: reason,
    });
    expect(failureInfo(error)).toMatchObject({ reason: "CANCELLED" });
    expect(provider.received[1]).toMatchObject({ info: { reason: "CANCELLED" } });
  });

  test("that is aborted already does not let the call begin", async () => {
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}, { signal: AbortSignal.abort() }));
    expect(await failed).toMatchObject({ code: Code.Canceled });
    expect(provider.heads).toEqual([]);
  });

  test("that says why is believed", async () => {
    const provider = openProvider();
    const why = new ConnectError("too late", Code.DeadlineExceeded);
    const failed = failureOf(provider.client.say({}, { signal: AbortSignal.abort(why) }));
    expect(await failed).toMatchObject({ code: Code.DeadlineExceeded, rawMessage: "too late" });
  });

  test("is let go of at the end", async () => {
    const abort = new AbortController();
    const removed = vi.spyOn(abort.signal, "removeEventListener");
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation: echo }] });
    const client = createServiceClient(EchoService, end);
    await client.say({}, { signal: abort.signal });
    await drain(client.count({ value: 3 }, { signal: abort.signal }));
    expect(removed).toHaveBeenCalledTimes(2);
  });

  test("that is aborted while the call begins ends it all the same", async () => {
    const abort = new AbortController();
    const cancelled: CallFailure[] = [];
    const client = createServiceClient(EchoService, {
      start() {
        abort.abort();
        return {
          message: vi.fn(),
          end: vi.fn(),
          credit: vi.fn(),
          cancel: (failure) => cancelled.push(failure),
        };
      },
    });
    expect(await failureOf(client.say({}, { signal: abort.signal }))).toMatchObject({ code: Code.Canceled });
    expect(cancelled).toMatchObject([{ info: { reason: "CANCELLED" } }]);
  });
});

describe("a parent", () => {
  function openParent(deadline = Infinity) {
    const cancellation = new Cancellation();
    const parent: ParentCall = {
      id: 42,
      deadline,
      get finished() {
        return cancellation.finished;
      },
      onCancel: (listener) => cancellation.onCancel(listener),
    };
    return { parent, cancellation };
  }

  test("is named, and the smaller deadline counts", () => {
    const { parent } = openParent(performance.now() + 1_000);
    const provider = openProvider({ parent: () => parent });
    void provider.client.say({}).catch(() => {});
    void provider.client.say({}, { timeoutMs: 10 }).catch(() => {});
    void provider.client.count({});
    expect(provider.heads.map((head) => head.parent)).toEqual([42, 42, 42]);
    expect(provider.heads[0]?.deadline).toBe(parent.deadline);
    expect(provider.heads[1]?.deadline).toBeLessThan(parent.deadline);
    expect(provider.heads[2]?.deadline).toBe(parent.deadline);
  });

  test("that has no id of a host is not named, but counts", async () => {
    const { parent, cancellation } = openParent();
    const provider = openProvider({ parent: () => ({ ...parent, id: 0, finished: false }) });
    const failed = failureOf(provider.client.say({}));
    expect(provider.heads[0]?.parent).toBeUndefined();
    cancellation.cancel(createFailure("CANCELLED", "The caller's caller left."));
    expect(await failed).toMatchObject({ code: Code.Canceled, rawMessage: "The caller's caller left." });
    expect(provider.received[1]).toMatchObject({ message: "The caller's caller left." });
  });

  test("that is cancelled already does not let calls begin", async () => {
    const { parent, cancellation } = openParent();
    cancellation.cancel(createFailure("CANCELLED", "Gone."));
    const provider = openProvider({ parent: () => parent });
    expect(await failureOf(provider.client.say({}))).toMatchObject({ rawMessage: "Gone." });
    expect(provider.heads).toEqual([]);
  });

  test("that is finished is none, and neither is one that a call is detached from", async () => {
    const { parent, cancellation } = openParent(performance.now() + 100);
    const provider = openProvider({ parent: () => parent });
    void provider.client.say({}, { detached: true });
    cancellation.finish();
    void provider.client.say({});
    expect(provider.heads.map((head) => head.parent)).toEqual([undefined, undefined]);
    for (const head of provider.heads) expect(head.deadline).toBeGreaterThan(performance.now() + 20_000);
  });

  test("has its deadline blamed", async () => {
    vi.useFakeTimers();
    const { parent } = openParent(performance.now() + 100);
    const provider = openProvider({ parent: () => parent });
    const failed = failureOf(provider.client.say({}));
    await vi.advanceTimersByTimeAsync(110);
    expect(await failed).toMatchObject({
      rawMessage:
        "test.v1.EchoService/Say was not answered before the deadline of the call that it was made for.",
    });
  });
});

describe("misuse:", () => {
  const calls: CallHandler = {
    start: () => {
      throw new Error("not called");
    },
  };

  test("a timeout that is none", () => {
    expect(() => createServiceClient(EchoService, calls, { defaultTimeoutMs: -1 })).toThrow(
      new RangeError("defaultTimeoutMs must be 0 or more milliseconds, but is -1."),
    );
  });

  test("a header that cannot be sent", () => {
    expect(() => createServiceClient(EchoService, calls, { header: [["A", "x"]] })).toThrow(
      new TypeError(
        'The option header cannot be sent: Metadata names are lower-case HTTP tokens; "A" is not one.',
      ),
    );
  });
});
