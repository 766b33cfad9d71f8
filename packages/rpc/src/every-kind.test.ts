import { gunzipSync, gzipSync } from "node:zlib";
import { type CallHandler, createFailure } from "@connect-plugin/protocol";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { createBytesWire } from "./fixtures/bytes-wire.js";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { createInProcessConnection } from "./in-process.js";
import { createMemoryPipes } from "./lane/fixtures/memory-pipe.js";
import { createLane } from "./lane/lane.js";
import { protobufCodec } from "./message-codec.js";
import { createServiceClient } from "./service-client.js";
import { createServiceEnd, type ServiceEnd } from "./service-end.js";
import { refuseCalls } from "./service-switch.js";

const inflate = (bytes: Uint8Array, limit: number) =>
  new Uint8Array(gunzipSync(bytes, { maxOutputLength: limit }));

const running = new Set<() => void>();

afterEach(() => {
  for (const stop of running) stop();
  running.clear();
});

/** A lane over a pipe in memory, which is moved along all the time. */
function overLane(end: CallHandler): CallHandler {
  const pipes = createMemoryPipes();
  const host = createLane(pipes.host, { side: "host", handler: refuseCalls(neverCalled) });
  createLane(pipes.plugin, { side: "plugin", handler: end });
  let next: NodeJS.Immediate;
  const move = () => {
    pipes.settle();
    next = setImmediate(move);
  };
  move();
  running.add(() => clearImmediate(next));
  return host;
}

/** One suite for all that can lie between two ends. */
const carriers: Record<string, (end: ServiceEnd) => CallHandler> = {
  nothing: (end) => end,
  "an in-process connection": createInProcessConnection,
  "encoded messages": (end) => createBytesWire(end, {}),
  "messages in small pieces": (end) => createBytesWire(end, { pieceBytes: 50 }),
  gzip: (end) => createBytesWire(end, { gzip: (bytes) => gzipSync(bytes), pieceBytes: 100 }),
  "a lane": overLane,
};

describe.each(Object.entries(carriers))("with %s between the ends", (_, carry) => {
  function connect(implementation = echo) {
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation }], inflate });
    return { end, client: createServiceClient(EchoService, carry(end), { inflate }) };
  }

  test("unary", async () => {
    const { end, client } = connect();
    expect(await client.say({ value: "hello" })).toMatchObject({ value: "hello" });
    expect(await client.say({})).toMatchObject({ value: "" });
    expect(end.active).toBe(0);
  });

  test("server streaming, past the first window", async () => {
    const { end, client } = connect();
    const values: number[] = [];
    for await (const { value } of client.count({ value: 1_000 })) values.push(value);
    expect(values).toEqual(Array.from({ length: 1_000 }, (_, i) => i + 1));
    expect(end.active).toBe(0);
  });

  test("client streaming, past the first window", async () => {
    const { end, client } = connect();
    expect(await client.sum(numbers(1_000))).toMatchObject({ value: 500_500 });
    expect(await client.sum(numbers(0))).toMatchObject({ value: 0 });
    expect(end.active).toBe(0);
  });

  test("bidirectional streaming, turn by turn", async () => {
    const { end, client } = connect();
    let answered = 0;
    const replies = client.chat(
      (async function* () {
        for (let i = 0; i < 300; i += 1) {
          expect(answered).toBe(i);
          yield { value: `${i}` };
          while (answered === i) await new Promise((resolve) => setImmediate(resolve));
        }
      })(),
    );
    for await (const { value } of replies) {
      expect(value).toBe(`re: ${answered}`);
      answered += 1;
    }
    expect(answered).toBe(300);
    expect(end.active).toBe(0);
  });

  test("a message that is larger than any window", async () => {
    const value = new Uint8Array(300_000).map((_, i) => i * 7);
    const { client } = connect();
    // Not toEqual, which takes its time for so many.
    expect(Buffer.compare((await client.blob({ value })).value, value)).toBe(0);
  });

  test("large messages in a stream", async () => {
    const { client } = connect();
    const value = "0123456789".repeat(20_000);
    let count = 0;
    for await (const reply of client.chat(repeat({ value }, 5))) {
      expect(reply.value).toBe(`re: ${value}`);
      count += 1;
    }
    expect(count).toBe(5);
  });

  test("header and trailer", async () => {
    const { client } = connect({
      ...echo,
      say(request, call) {
        call.responseHeader.set("x-header", `got ${call.requestHeader.get("X-Request")}`);
        call.responseTrailer.set("x-trailer", "bye");
        return { value: request.value };
      },
      async *count(_, call) {
        call.responseHeader.set("x-header", "stream");
        yield { value: 1 };
        call.responseTrailer.set("x-trailer", "end");
      },
    });
    const seen: (string | null)[] = [];
    const options = {
      headers: { "X-Request": "me" },
      onHeader: (header: Headers) => seen.push(header.get("x-header")),
      onTrailer: (trailer: Headers) => seen.push(trailer.get("x-trailer")),
    };
    await client.say({ value: "x" }, options);
    expect(seen).toEqual(["got me", "bye"]);
    for await (const _message of client.count({ value: 1 }, options)) expect(seen).toHaveLength(3);
    expect(seen.slice(2)).toEqual(["stream", "end"]);
  });

  test("an error with everything on it, from every kind", async () => {
    const broken = () => {
      throw new ConnectError("no such key", Code.NotFound, { "x-key": "a" });
    };
    const { end, client } = connect({
      say: broken,
      blob: async () => broken(),
      // biome-ignore lint/correctness/useYield: it fails first
      async *count() {
        broken();
      },
      sum: async () => broken(),
      async *chat() {
        yield { value: "one" };
        broken();
      },
    });
    const errors = await Promise.all(
      [
        client.say({}),
        client.blob({}),
        drain(client.count({})),
        client.sum(numbers(10)),
        drain(client.chat(repeat({ value: "x" }, 10))),
      ].map((call) =>
        call.then(
          () => undefined,
          (error: ConnectError) => error,
        ),
      ),
    );
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConnectError);
      expect(error).toMatchObject({ code: Code.NotFound, rawMessage: "no such key" });
      expect(error?.metadata.get("x-key")).toBe("a");
    }
    await end.idle();
  });

  test("leaving a stream early ends the call at once", async () => {
    let cleaned = 0;
    let aborted: unknown;
    const { end, client } = connect({
      ...echo,
      async *count(_, call) {
        call.signal.addEventListener("abort", () => {
          aborted = call.signal.reason;
        });
        try {
          for (let i = 0; ; i += 1) yield { value: i };
        } finally {
          cleaned += 1;
        }
      },
    });
    for await (const { value } of client.count({})) if (value === 3) break;
    await end.idle();
    expect(cleaned).toBe(1);
    expect(aborted).toMatchObject({
      code: Code.Canceled,
      rawMessage: "test.v1.EchoService/Count was cancelled: its caller left the stream before its end.",
    });
  });

  test("a reader that stops stops its writer", async () => {
    let sent = 0;
    const { end, client } = connect({
      ...echo,
      async *count() {
        for (; ; sent += 1) yield { value: sent };
      },
    });
    const messages = client.count({})[Symbol.asyncIterator]();
    await messages.next();
    await quiet(() => sent);
    const window = sent;
    expect(window).toBeLessThan(70_000);
    for (let i = 0; i < window; i += 1) await messages.next();
    await quiet(() => sent);
    expect(sent).toBeGreaterThan(window);
    expect(sent).toBeLessThan(3 * window + 100);
    await messages.return?.();
    await end.idle();
  });

  test("a handler that stops reading stops its caller", async () => {
    let release = () => {};
    const stalled = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { client } = connect({
      ...echo,
      async sum(requests) {
        let value = 0;
        for await (const _ of requests) {
          value += 1;
          await stalled;
        }
        return { value };
      },
    });
    let sent = 0;
    const result = client.sum(
      (async function* () {
        for (; sent < 10_000; sent += 1) yield { value: sent };
      })(),
    );
    await quiet(() => sent);
    expect(sent).toBeLessThan(2_000);
    release();
    expect(await result).toMatchObject({ value: 10_000 });
  });
});

test("JSON needs no other handler", async () => {
  const end = createServiceEnd({ services: [{ desc: EchoService, implementation: echo }] });
  const seen: unknown[] = [];
  const requests = end.start(
    {
      service: "test.v1.EchoService",
      method: "Say",
      kind: "unknown",
      codec: "json",
      acceptGzip: false,
      header: [],
      deadline: Infinity,
      parent: undefined,
      target: undefined,
      grant: undefined,
      id: undefined,
      chain: undefined,
    },
    {
      header: () => {},
      message: (piece) =>
        seen.push(
          piece.form === "message" &&
            JSON.parse(text(protobufCodec.encode(piece.desc, piece.message, "json"))),
        ),
      end: (trailer, failure) => seen.push([trailer, failure]),
      credit: () => {},
    },
  );
  requests.message(
    { form: "bytes", bytes: new TextEncoder().encode('"hi"'), more: false, gzip: false },
    true,
  );
  expect(seen).toEqual(["hi", [[], undefined]]);
});

async function* numbers(count: number) {
  for (let i = 1; i <= count; i += 1) yield { value: i };
}

async function* repeat<T>(value: T, times: number) {
  for (let i = 0; i < times; i += 1) yield value;
}

async function drain(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of messages);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Until a counter stands still. */
async function quiet(read: () => number): Promise<void> {
  for (let before = -1, same = 0; same < 20; same = read() === before ? same + 1 : 0) {
    before = read();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function neverCalled() {
  return createFailure("UNKNOWN_METHOD", "The host offers nothing.");
}
