import { create } from "@bufbuild/protobuf";
import { Int32ValueSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { type Caller, createFailure, type Piece, TYPED_PIECE_COST } from "@connect-plugin/protocol";
import {
  Code,
  ConnectError,
  createContextKey,
  type HandlerContext,
  type ServiceImpl,
} from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { CallContext, Implementation } from "./call-context.js";
import { failureError } from "./connect-failure.js";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { echoHead, recordCall } from "./fixtures/recorded-call.js";
import { createServiceClient } from "./service-client.js";
import { createServiceEnd, type ServiceEndOptions } from "./service-end.js";

afterEach(() => {
  vi.useRealTimers();
});

function serve(changes: Partial<Implementation<typeof EchoService>> = {}, options: ServiceEndOptions = {}) {
  const implementation = { ...echo, ...changes };
  return createServiceEnd({ services: [{ desc: EchoService, implementation }], ...options });
}

function typed(value: string): Piece {
  return { form: "message", desc: StringValueSchema, message: create(StringValueSchema, { value }) };
}

function bytes(...values: number[]): Piece {
  return { form: "bytes", bytes: new Uint8Array(values), more: false, gzip: false };
}

const never = new Promise<never>(() => {});

describe("refuses, with one end and nothing before it,", () => {
  test("a service that is not served", () => {
    const { events } = recordCall(serve(), echoHead("Say", { service: "test.v1.Other" }));
    expect(events).toEqual([
      {
        end: createFailure("UNKNOWN_METHOD", "The service test.v1.Other is not served here.", {
          facts: { service: "test.v1.Other", method: "Say" },
        }),
        trailer: [],
      },
    ]);
  });

  test("a method that the service does not have", () => {
    const { events } = recordCall(serve(), echoHead("Shout"));
    expect(events).toMatchObject([
      {
        end: {
          code: 12,
          message:
            "The service test.v1.EchoService has no method Shout here. Its provider may have another version of it.",
          info: { reason: "UNKNOWN_METHOD", fault: "caller" },
        },
      },
    ]);
  });

  test("what its owner refuses", () => {
    const starting = createFailure("PROVIDER_STARTING", "Not yet.");
    const { events } = recordCall(serve({}, { refuse: () => starting }), echoHead("Say"));
    expect(events).toEqual([{ end: starting, trailer: [] }]);
  });

  test("a kind that is not the method's", () => {
    const { events } = recordCall(serve(), echoHead("Say", { kind: "bidi_streaming" }));
    expect(events).toMatchObject([
      {
        end: {
          code: 12,
          message:
            "test.v1.EchoService/Say is unary here, but was called as bidi_streaming. Generate both sides from the same version of the schema.",
          info: { reason: "KIND_MISMATCH", fault: "caller" },
        },
      },
    ]);
  });

  test("a call after its deadline", () => {
    const say = vi.fn();
    const { requests, events } = recordCall(
      serve({ say }),
      echoHead("Say", { deadline: performance.now() - 1 }),
    );
    requests.message(typed("x"), true);
    expect(events).toMatchObject([
      { end: { code: 4, message: "The deadline of test.v1.EchoService/Say passed before it began." } },
    ]);
    expect(say).not.toHaveBeenCalled();
  });

  test("a header that is none", () => {
    const { events } = recordCall(serve(), echoHead("Say", { header: [["bad name", "x"]] }));
    expect(events).toMatchObject([{ end: { info: { reason: "METADATA_INVALID", fault: "caller" } } }]);
  });
});

describe("counts request messages:", () => {
  test.each(["Say", "Count"])("none for %s", (method) => {
    const { requests, events } = recordCall(serve(), echoHead(method));
    requests.end();
    const kind = method === "Say" ? "unary" : "server_streaming";
    expect(events).toMatchObject([
      {
        end: {
          code: 12,
          message: `test.v1.EchoService/${method} is ${kind}: it takes exactly one request message, but none came.`,
          info: { reason: "KIND_MISMATCH", fault: "caller", facts: { kind } },
        },
      },
    ]);
  });

  test("two for a unary method", () => {
    const say = vi.fn();
    const { requests, events } = recordCall(serve({ say }), echoHead("Say"));
    requests.message(typed("a"), false);
    requests.message(typed("b"), false);
    requests.end();
    expect(events).toMatchObject([
      {
        end: {
          message:
            "test.v1.EchoService/Say is unary: it takes exactly one request message, but more than one came.",
        },
      },
    ]);
    expect(say).not.toHaveBeenCalled();
  });

  test("one that is not known to be the last until the end", () => {
    const { requests, events } = recordCall(serve(), echoHead("Say"));
    requests.message(typed("a"), false);
    expect(events).toEqual([]);
    requests.end();
    expect(events).toEqual([{ message: "a" }, { end: "well", trailer: [] }]);
  });
});

describe("reads requests:", () => {
  test("a message of the wrong type", () => {
    const { requests, events } = recordCall(serve(), echoHead("Say"));
    requests.message({ form: "message", desc: Int32ValueSchema, message: create(Int32ValueSchema) }, true);
    expect(events).toMatchObject([
      {
        end: {
          code: 3,
          message:
            "A request ought to be a google.protobuf.StringValue, but it is a google.protobuf.Int32Value.",
          info: { reason: "MESSAGE_INVALID", fault: "caller" },
        },
      },
    ]);
  });

  test("bytes that do not decode", () => {
    const { requests, events } = recordCall(serve(), echoHead("Say"));
    requests.message(bytes(10, 200, 1), true);
    expect(events).toMatchObject([
      {
        end: {
          message:
            "A request ought to be a google.protobuf.StringValue, but its 3 bytes do not decode as proto.",
          info: { reason: "MESSAGE_INVALID", fault: "caller" },
        },
      },
    ]);
  });

  test("bytes that do not decode in the middle of a stream", async () => {
    let seen: unknown;
    const end = serve({
      async sum(requests) {
        try {
          for await (const _ of requests);
        } catch (error) {
          seen = error;
        }
        return {};
      },
    });
    const { requests, events } = recordCall(end, echoHead("Sum"));
    requests.message(bytes(8, 1), false);
    requests.message(bytes(8), false);
    await end.idle();
    expect(events).toMatchObject([{ end: { info: { reason: "MESSAGE_INVALID" } } }]);
    expect(seen).toMatchObject({ code: Code.InvalidArgument });
  });

  test("a message that ends in the middle", () => {
    const { requests, events } = recordCall(serve(), echoHead("Say"));
    requests.message({ form: "bytes", bytes: new Uint8Array([10]), more: true, gzip: false }, false);
    requests.end();
    expect(events).toMatchObject([
      {
        end: {
          message: "The requests ended in the middle of a message.",
          info: { reason: "MESSAGE_INVALID" },
        },
      },
    ]);
  });

  test("more than the limit, before it is all there", () => {
    const { requests, events } = recordCall(serve({}, { maxMessageBytes: 100 }), echoHead("Say"));
    const piece: Piece = { form: "bytes", bytes: new Uint8Array(60), more: true, gzip: false };
    requests.message(piece, false);
    expect(events).toEqual([]);
    requests.message(piece, false);
    requests.message(piece, false);
    expect(events).toMatchObject([
      {
        end: {
          code: 8,
          message:
            "A request message may have 100 bytes; this one has at least 120. Send less at a time (a stream, say), or raise the limit.",
          info: { reason: "MESSAGE_TOO_LARGE", fault: "caller", facts: { limit: "100" } },
        },
      },
    ]);
  });

  test("gzip, without being able to", () => {
    const { requests, events } = recordCall(serve(), echoHead("Say"));
    requests.message({ form: "bytes", bytes: new Uint8Array([1]), more: false, gzip: true }, true);
    expect(events).toMatchObject([
      {
        end: {
          code: 12,
          message: "A request is compressed with gzip, which is not read here. Send it plain.",
          info: { reason: "ENCODING_UNSUPPORTED", fault: "caller" },
        },
      },
    ]);
  });

  test.each([
    [new RangeError("too long"), "MESSAGE_TOO_LARGE", "this one has more when inflated"],
    [new Error("bad magic"), "MESSAGE_INVALID", "its gzip data is broken"],
  ])("gzip that does not inflate: %s", (error, reason, text) => {
    const inflate = () => {
      throw error;
    };
    const { requests, events } = recordCall(serve({}, { inflate }), echoHead("Say"));
    requests.message({ form: "bytes", bytes: new Uint8Array([1]), more: false, gzip: true }, true);
    expect(events).toMatchObject([{ end: { message: expect.stringContaining(text), info: { reason } } }]);
  });

  test("bytes that are overwritten afterwards", async () => {
    let kept: Uint8Array = new Uint8Array();
    const end = serve({
      async blob({ value }) {
        await Promise.resolve();
        kept = value;
        return {};
      },
    });
    const buffer = new Uint8Array([10, 3, 1, 2, 3, 24, 9]);
    const { requests } = recordCall(end, echoHead("Blob"));
    requests.message({ form: "bytes", bytes: buffer, more: false, gzip: false }, true);
    buffer.fill(0xee);
    await end.idle();
    expect(kept).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("a copy of an unencoded message, unless it is to be shared", async () => {
    const seen: unknown[] = [];
    const say: (typeof echo)["say"] = (request) => {
      seen.push(request);
      return {};
    };
    const piece = typed("x");
    recordCall(serve({ say }), echoHead("Say")).requests.message(piece, true);
    recordCall(serve({ say }, { share: true }), echoHead("Say")).requests.message(piece, true);
    expect(piece.form === "message" && seen[0]).toEqual(piece.form === "message" && piece.message);
    expect(seen[0]).not.toBe(piece.form === "message" && piece.message);
    expect(seen[1]).toBe(piece.form === "message" && piece.message);
  });

  test("credit for what the handler took, at once", async () => {
    const end = serve({
      async sum(requests) {
        for await (const _ of requests) break;
        await never;
        return {};
      },
    });
    const { requests, credit } = recordCall(end, echoHead("Sum"));
    for (let i = 0; i < 3; i += 1) {
      requests.message({ form: "message", desc: Int32ValueSchema, message: create(Int32ValueSchema) }, false);
    }
    await vi.waitFor(() => expect(credit.reduce((a, b) => a + b, 0)).toBe(3 * TYPED_PIECE_COST));
    requests.cancel(createFailure("CANCELLED", "Enough."));
  });
});

describe("a handler", () => {
  const caller: Caller = { kind: "plugin", name: "a", runtimeId: "a-1", claims: { team: "x" } };
  const origin: Caller = { kind: "external", name: "web", runtimeId: "", claims: {} };

  test("sees its call", async () => {
    let seen: CallContext | undefined;
    const end = createServiceEnd({
      services: [
        {
          desc: EchoService,
          implementation: {
            ...echo,
            say: (_: unknown, call: CallContext) => {
              seen = call;
              return {};
            },
          },
        },
      ],
    });
    const deadline = performance.now() + 5_000;
    const head = echoHead("Say", {
      id: 7,
      deadline,
      header: [["x-a", "1"]],
      chain: { caller, behind: { caller: origin, behind: undefined, depth: 1 }, depth: 2 },
    });
    recordCall(end, head).requests.message(typed("x"), true);
    expect(seen).toMatchObject({ id: 7, caller, onBehalfOf: [origin], deadline });
    expect(seen?.service).toBe(EchoService);
    expect(seen?.method).toBe(EchoService.method.say);
    expect(seen?.requestHeader.get("x-a")).toBe("1");
    expect(seen?.timeoutMs()).toBeGreaterThan(4_000);
    expect(seen?.url).toBe("connect-plugin://call/test.v1.EchoService/Say");
    expect(seen?.requestMethod).toBe("POST");
    expect(seen?.protocolName).toBe("connect-plugin");
    expect(seen?.draining.aborted).toBe(false);
    expect(seen?.signal.aborted).toBe(true);
  });

  test("that nobody has vouched for sees an external caller", () => {
    const end = serve({
      say: (_, call) => {
        const { id, caller, onBehalfOf } = call as CallContext;
        return { value: `${id} ${caller.kind} ${onBehalfOf.length} ${call.timeoutMs()}` };
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(events[0]).toEqual({ message: "0 external 0 undefined" });
  });

  test("of connect-es runs unchanged", async () => {
    const key = createContextKey("nothing");
    class Legacy implements ServiceImpl<typeof EchoService> {
      private readonly prefix = "legacy ";
      say(request: { value: string }, context: HandlerContext) {
        context.values.set(key, this.prefix);
        context.responseHeader.set("x-values", context.values.get(key).trim());
        return { value: this.prefix + request.value };
      }
      blob = echo.blob as ServiceImpl<typeof EchoService>["blob"];
      count = echo.count as ServiceImpl<typeof EchoService>["count"];
      sum = echo.sum as ServiceImpl<typeof EchoService>["sum"];
      chat = echo.chat as ServiceImpl<typeof EchoService>["chat"];
    }
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation: new Legacy() }] });
    const client = createServiceClient(EchoService, end);
    let header: Headers | undefined;
    const reply = await client.say({ value: "x" }, { onHeader: (fields) => (header = fields) });
    expect(reply.value).toBe("legacy x");
    expect(header?.get("x-values")).toBe("legacy");
  });

  test("that throws one of our failures passes it on, but not that it was not delivered", async () => {
    const end = serve({
      say: () => {
        throw failureError("NO_PROVIDER", "Nobody offers audit.v1.Audit.", { notDelivered: true });
      },
    });
    const { requests, ended } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(await ended).toEqual(createFailure("NO_PROVIDER", "Nobody offers audit.v1.Audit."));
  });

  test.each(["at once", "later"])("that fails unexpectedly %s tells only its own side why", async (when) => {
    const onUnexpectedError = vi.fn();
    const error = new Error("password is hunter2");
    const say = (): { value: string } => {
      throw error;
    };
    const end = serve({ say: when === "later" ? async () => say() : say }, { onUnexpectedError });
    const { requests, ended, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(await ended).toEqual(
      createFailure(
        "HANDLER_FAILED",
        "The handler of test.v1.EchoService/Say failed unexpectedly. The log of its plugin says how.",
        { facts: { service: "test.v1.EchoService", method: "Say" } },
      ),
    );
    expect(JSON.stringify(events)).not.toContain("hunter2");
    expect(onUnexpectedError).toHaveBeenCalledExactlyOnceWith(error, expect.objectContaining({ id: 0 }));
    expect(end.active).toBe(0);
  });

  test("that returns no stream where one is due has failed", async () => {
    const onUnexpectedError = vi.fn();
    const end = serve({ count: (() => 7) as unknown as (typeof echo)["count"] }, { onUnexpectedError });
    const { requests, ended } = recordCall(end, echoHead("Count"));
    requests.message({ form: "message", desc: Int32ValueSchema, message: create(Int32ValueSchema) }, true);
    expect(await ended).toMatchObject({ info: { reason: "HANDLER_FAILED" } });
    expect(onUnexpectedError).toHaveBeenCalledOnce();
  });

  test("that sets a header that cannot be sent has failed", async () => {
    const end = serve({
      say: (_, call) => {
        call.responseTrailer.set("x", "ü");
        return {};
      },
    });
    const { requests, ended } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(await ended).toMatchObject({ info: { reason: "METADATA_INVALID", fault: "plugin" } });
  });

  test("that fails still sends its trailer", async () => {
    const end = serve({
      say: (_, call) => {
        call.responseTrailer.set("x", "1");
        throw new ConnectError("no", Code.Aborted);
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(events).toMatchObject([{ end: { code: 10, message: "no" }, trailer: [["x", "1"]] }]);
  });

  test("runs, step by step, where its owner wants it to", async () => {
    const inside: string[] = [];
    let depth = 0;
    const end = createServiceEnd({
      services: [
        {
          desc: EchoService,
          implementation: {
            ...echo,
            async *count() {
              inside.push(`first ${depth}`);
              yield { value: 1 };
              inside.push(`second ${depth}`);
            },
          },
        },
      ],
      run(call, task) {
        expect(call.id).toBe(3);
        depth += 1;
        try {
          return task();
        } finally {
          depth -= 1;
        }
      },
    });
    const { requests, ended } = recordCall(end, echoHead("Count", { id: 3 }));
    requests.message({ form: "message", desc: Int32ValueSchema, message: create(Int32ValueSchema) }, true);
    expect(await ended).toBe("well");
    expect(inside).toEqual(["first 1", "second 1"]);
  });
});

describe("endings:", () => {
  test("a cancelled call is told to its handler, and nothing more to its caller", async () => {
    let call: HandlerContext | undefined;
    let finish = (_: { value: string }) => {};
    const end = serve({
      say: (_, context) => {
        call = context;
        return new Promise((resolve) => {
          finish = resolve;
        });
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    const { signal } = call!;
    expect(signal.aborted).toBe(false);
    requests.cancel(createFailure("CANCELLED", "Not wanted any more."));
    requests.cancel(createFailure("CANCELLED", "Again."));
    expect(signal.reason).toMatchObject({ code: Code.Canceled, rawMessage: "Not wanted any more." });
    expect(end.active).toBe(1);
    finish({ value: "late" });
    await end.idle();
    expect(events).toEqual([]);
    expect(end.active).toBe(0);
  });

  test("a call that is cancelled before its request never reaches its handler", () => {
    const say = vi.fn();
    const end = serve({ say });
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.cancel(createFailure("CANCELLED", "Never mind."));
    requests.message(typed("x"), true);
    requests.end();
    expect(say).not.toHaveBeenCalled();
    expect(events).toEqual([]);
    expect(end.active).toBe(0);
  });

  test("a deadline ends the call, and its handler is told", async () => {
    vi.useFakeTimers();
    let aborted: unknown;
    const end = serve({
      say: (_, call) => {
        call.signal.addEventListener("abort", () => {
          aborted = call.signal.reason;
        });
        return never;
      },
    });
    const { requests, events } = recordCall(end, echoHead("Say", { deadline: performance.now() + 50 }));
    requests.message(typed("x"), true);
    await vi.advanceTimersByTimeAsync(40);
    expect(events).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(events).toMatchObject([
      {
        end: {
          code: 4,
          message: "test.v1.EchoService/Say was not answered before its deadline.",
          info: { reason: "DEADLINE_EXCEEDED" },
        },
        trailer: [],
      },
    ]);
    expect(aborted).toMatchObject({ code: Code.DeadlineExceeded });
  });

  test("an answered call leaves no timer of its own", async () => {
    vi.useFakeTimers();
    const { requests, events } = recordCall(serve(), echoHead("Say", { deadline: performance.now() + 50 }));
    requests.message(typed("x"), true);
    await vi.advanceTimersByTimeAsync(100);
    expect(events).toEqual([{ message: "x" }, { end: "well", trailer: [] }]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("all calls can be ended at once", async () => {
    const replaced = createFailure("PROVIDER_REPLACED", "A new one has taken over.");
    const end = serve({ say: () => never });
    const calls = [echoHead("Say"), echoHead("Chat"), echoHead("Sum")].map((head) => recordCall(end, head));
    calls[0]?.requests.message(typed("x"), true);
    expect(end.active).toBe(3);
    end.cancelAll(replaced);
    for (const { ended } of calls) expect(await ended).toEqual(replaced);
    await vi.waitFor(() => expect(end.active).toBe(1));
  });

  test("a stream whose caller has gone is left, even while it waits", async () => {
    const cleanup = vi.fn();
    const end = serve({
      async *chat(requests) {
        try {
          for await (const _ of requests) yield {};
        } finally {
          cleanup();
        }
      },
    });
    const { requests, events } = recordCall(end, echoHead("Chat"));
    requests.message(typed("x"), false);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    requests.cancel(createFailure("CANCELLED", "Gone."));
    await end.idle();
    expect(cleanup).toHaveBeenCalledOnce();
    expect(events).toHaveLength(1);
  });

  test("idle waits for handlers", async () => {
    let finish = () => {};
    const end = serve({
      say: () =>
        new Promise((resolve) => {
          finish = () => resolve({ value: "" });
        }),
    });
    await end.idle();
    recordCall(end, echoHead("Say")).requests.message(typed("x"), true);
    const order: string[] = [];
    const idle = end.idle().then(() => order.push("idle"));
    await Promise.resolve();
    order.push("finish");
    finish();
    await idle;
    expect(order).toEqual(["finish", "idle"]);
  });
});

describe("misuse:", () => {
  test("a method without implementation", () => {
    const { sum: _, ...rest } = echo;
    expect(() => createServiceEnd({ services: [{ desc: EchoService, implementation: rest }] })).toThrow(
      new TypeError("The implementation of test.v1.EchoService has no function sum for its method Sum."),
    );
  });

  test("a service twice", () => {
    const end = serve();
    expect(() => end.add([{ desc: EchoService, implementation: echo }])).toThrow(
      new TypeError("The service test.v1.EchoService is served already."),
    );
  });

  test("a limit that is none", () => {
    expect(() => serve({}, { maxMessageBytes: 0 })).toThrow(
      new RangeError("maxMessageBytes must be a positive whole number of bytes, but is 0."),
    );
  });

  test("services can be opened later", () => {
    const end = createServiceEnd({});
    expect(recordCall(end, echoHead("Say")).events).toMatchObject([
      { end: { info: { reason: "UNKNOWN_METHOD" } } },
    ]);
    end.add([{ desc: EchoService, implementation: echo }]);
    const { requests, events } = recordCall(end, echoHead("Say"));
    requests.message(typed("x"), true);
    expect(events).toHaveLength(2);
  });
});
