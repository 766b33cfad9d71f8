import { create } from "@bufbuild/protobuf";
import { Int32ValueSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import { createFailure, type Piece, TYPED_PIECE_COST } from "@connect-plugin/protocol";
import { Code } from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Implementation } from "./call-context.js";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { echoHead, recordCall } from "./fixtures/recorded-call.js";
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
