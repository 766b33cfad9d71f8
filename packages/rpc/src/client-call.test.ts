import { create } from "@bufbuild/protobuf";
import { Int32ValueSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type CallHandler,
  type CallHead,
  createFailure,
  type Piece,
  type RequestSink,
  type ResponseSink,
  TYPED_PIECE_COST,
} from "@connect-plugin/protocol";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
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

describe("responses", () => {
  test("none for a unary call", async () => {
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}));
    provider.responses.end([], undefined);
    const error = await failed;
    expect(error).toMatchObject({
      code: Code.Unimplemented,
      rawMessage: "test.v1.EchoService/Say is unary: it has exactly one response message, but none came.",
    });
    expect(failureInfo(error)).toMatchObject({ reason: "KIND_MISMATCH", fault: "plugin" });
  });

  test("two for a client stream", async () => {
    const provider = openProvider();
    const failed = failureOf(provider.client.sum((async function* () {})()));
    provider.responses.message(int(1));
    provider.responses.message(int(2));
    expect(await failed).toMatchObject({
      rawMessage:
        "test.v1.EchoService/Sum is client_streaming: it has exactly one response message, but more than one came.",
    });
    expect(provider.received).toMatchObject([{ info: { reason: "KIND_MISMATCH" } }]);
  });

  test("that do not decode", async () => {
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}));
    provider.responses.message({ form: "bytes", bytes: new Uint8Array([10]), more: false, gzip: false });
    const error = await failed;
    expect(error).toMatchObject({
      code: Code.Internal,
      rawMessage:
        "A response ought to be a google.protobuf.StringValue, but its 1 bytes do not decode as proto.",
    });
    expect(failureInfo(error)).toMatchObject({ reason: "RESPONSE_INVALID", fault: "plugin" });
    expect(provider.received[1]).toMatchObject({ info: { reason: "RESPONSE_INVALID" } });
  });

  test("that end in the middle of a message", async () => {
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}));
    provider.responses.message({ form: "bytes", bytes: new Uint8Array([10]), more: true, gzip: false });
    provider.responses.end([], undefined);
    expect(failureInfo(await failed)).toMatchObject({ reason: "RESPONSE_INVALID" });
  });

  test("that are too large", async () => {
    const provider = openProvider({ maxMessageBytes: 10 });
    const failed = failureOf(drain(provider.client.count({})));
    provider.responses.message({ form: "bytes", bytes: new Uint8Array(11), more: false, gzip: false });
    expect(failureInfo(await failed)).toMatchObject({ reason: "MESSAGE_TOO_LARGE", fault: "plugin" });
  });

  test("with a trailer that is none", async () => {
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}));
    provider.responses.message(text("x"));
    provider.responses.end([["x", "\n"]], undefined);
    expect(failureInfo(await failed)).toMatchObject({ reason: "METADATA_INVALID", fault: "plugin" });
  });

  test("that fail bring their trailer along", async () => {
    const provider = openProvider();
    const failed = failureOf(provider.client.say({}));
    provider.responses.end([["x-trailer", "1"]], {
      ...createFailure("PROVIDER_GONE", "Gone."),
      metadata: [["x", "2"]],
    });
    const error = await failed;
    expect([...error.metadata]).toEqual([
      ["x", "2"],
      ["x-trailer", "1"],
    ]);
  });

  test("after the end are ignored, and so is a second end", async () => {
    const provider = openProvider();
    const reply = provider.client.say({});
    const { responses } = provider;
    responses.message(text("x"));
    responses.end([], undefined);
    responses.end([], createFailure("PROVIDER_GONE", "Too late."));
    responses.message(text("y"));
    responses.header([["x", "1"]]);
    responses.credit(5);
    expect(await reply).toMatchObject({ value: "x" });
    expect(provider.received).toHaveLength(1);
  });

  test("may be over before the call has begun", async () => {
    const full = createFailure("TOO_MANY_CALLS", "Later.");
    const message = vi.fn();
    const client = createServiceClient(EchoService, {
      start(_, responses) {
        responses.end([], full);
        return { message, end: message, cancel: message, credit: message };
      },
    });
    const source = vi.fn();
    expect(await failureOf(client.say({}))).toMatchObject({ code: Code.ResourceExhausted });
    const requests = { [Symbol.asyncIterator]: source };
    expect(await failureOf(client.sum(requests))).toMatchObject({ rawMessage: "Later." });
    expect(message).not.toHaveBeenCalled();
    expect(source).not.toHaveBeenCalled();
  });

  test("are credited as they are taken", async () => {
    const provider = openProvider();
    const messages = provider.client.count({})[Symbol.asyncIterator]();
    provider.responses.message(int(1));
    provider.responses.message(int(2));
    expect(provider.received).toHaveLength(1);
    await messages.next();
    expect(provider.received.slice(1)).toEqual([TYPED_PIECE_COST]);
    await messages.return?.();
    expect(provider.received.slice(2)).toMatchObject([TYPED_PIECE_COST, { info: { reason: "CANCELLED" } }]);
  });

  test("are copies, unless they are to be shared", async () => {
    const piece = text("x");
    const seen: unknown[] = [];
    for (const share of [false, true]) {
      const provider = openProvider({ share });
      const reply = provider.client.say({});
      provider.responses.message(piece);
      provider.responses.end([], undefined);
      seen.push(await reply);
    }
    const message = piece.form === "message" ? piece.message : undefined;
    expect(seen[0]).toEqual(message);
    expect(seen[0]).not.toBe(message);
    expect(seen[1]).toBe(message);
  });

  test("whose end comes while their messages wait are still given", async () => {
    const provider = openProvider();
    const messages = provider.client.count({});
    provider.responses.message(int(1));
    provider.responses.message(int(2));
    provider.responses.end([], createFailure("PROVIDER_GONE", "Gone."));
    const seen: number[] = [];
    const failed = failureOf(
      (async () => {
        for await (const { value } of messages) seen.push(value);
      })(),
    );
    expect(await failed).toMatchObject({ rawMessage: "Gone." });
    expect(seen).toEqual([1, 2]);
  });
});

describe("callbacks", () => {
  test("hear of an empty header and trailer too", async () => {
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation: echo }] });
    const client = createServiceClient(EchoService, end);
    const seen: string[] = [];
    const options = {
      onHeader: (header: Headers) => seen.push(`header ${[...header].length}`),
      onTrailer: (trailer: Headers) => seen.push(`trailer ${[...trailer].length}`),
    };
    await client.say({}, options);
    await drain(client.count({ value: 2 }, options));
    await drain(client.count({ value: 0 }, options));
    expect(seen).toEqual(["header 0", "trailer 0", "header 0", "trailer 0", "header 0", "trailer 0"]);
  });

  test("that throw fail their own call only", async () => {
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation: echo }] });
    const client = createServiceClient(EchoService, end);
    const options = {
      onHeader: () => {
        throw new Error("in the callback");
      },
    };
    expect(await failureOf(client.say({}, options))).toMatchObject({ rawMessage: "in the callback" });
    expect(await failureOf(drain(client.count({ value: 2 }, options)))).toMatchObject({
      rawMessage: "in the callback",
    });
    await end.idle();
  });
});

describe("requests", () => {
  test("that fail cancel the call and are told as they are", async () => {
    const provider = openProvider();
    const cause = new Error("disk is full");
    const error = await failureOf(
      provider.client.sum(
        (async function* () {
          yield { value: 1 };
          throw cause;
        })(),
      ),
    );
    expect(error).toMatchObject({ code: Code.Unknown, rawMessage: "disk is full", cause });
    expect(provider.received).toMatchObject([
      [1, false],
      {
        info: { reason: "CANCELLED" },
        message: "test.v1.EchoService/Sum was cancelled: its caller failed.",
      },
    ]);
  });

  test("that are no stream are told so", async () => {
    const provider = openProvider();
    const error = await failureOf(provider.client.sum(7 as unknown as AsyncIterable<{ value: number }>));
    expect(error.cause).toBeInstanceOf(TypeError);
  });

  test("are left when the call is over", async () => {
    const provider = openProvider();
    const cleanup = vi.fn();
    const reply = provider.client.sum(
      (async function* () {
        try {
          for (let value = 0; ; value += 1) yield { value };
        } finally {
          cleanup();
        }
      })(),
    );
    await vi.waitFor(() => expect(provider.received).toHaveLength(64));
    provider.responses.message(int(9));
    provider.responses.end([], undefined);
    expect(await reply).toMatchObject({ value: 9 });
    await vi.waitFor(() => expect(cleanup).toHaveBeenCalledOnce());
    expect(provider.received).toHaveLength(64);
  });
});
