import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { describe, expect, test, vi } from "vitest";
import { failureInfo } from "./connect-failure.js";
import { createBytesWire } from "./fixtures/bytes-wire.js";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { createServiceEnd } from "./service-end.js";
import { createConnectionTransport } from "./transport.js";

describe.each(["unencoded", "encoded"])("connect-es's client over %s messages", (form) => {
  function connect(implementation: object = echo) {
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation }] });
    const calls = form === "encoded" ? createBytesWire(end, { pieceBytes: 20 }) : end;
    return { end, client: createClient(EchoService, createConnectionTransport(calls)) };
  }

  test("makes calls of all kinds", async () => {
    const { end, client } = connect();
    expect(await client.say({ value: "x" })).toMatchObject({ value: "x" });
    const counted: number[] = [];
    for await (const { value } of client.count({ value: 200 })) counted.push(value);
    expect(counted).toHaveLength(200);
    const requests = async function* () {
      for (let value = 1; value <= 200; value += 1) yield { value };
    };
    expect(await client.sum(requests())).toMatchObject({ value: 20_100 });
    const replies: string[] = [];
    const words = async function* () {
      yield { value: "a" };
      yield { value: "b" };
    };
    for await (const { value } of client.chat(words())) replies.push(value);
    expect(replies).toEqual(["re: a", "re: b"]);
    await end.idle();
  });

  test("sees headers, trailers and errors", async () => {
    const { client } = connect({
      ...echo,
      say: ((request, call) => {
        call.responseHeader.set("x-h", call.requestHeader.get("x-r") ?? "");
        call.responseTrailer.set("x-t", "t");
        if (request.value === "bad") throw new ConnectError("bad", Code.OutOfRange);
        return request;
      }) as (typeof echo)["say"],
      async *count(_: unknown, call: { responseHeader: Headers; responseTrailer: Headers }) {
        call.responseHeader.set("x-h", "h");
        call.responseTrailer.set("x-t", "t");
        yield { value: 1 };
      },
    });
    const seen: (string | null)[] = [];
    const options = {
      headers: { "x-r": "r" },
      onHeader: (header: Headers) => seen.push(header.get("x-h")),
      onTrailer: (trailer: Headers) => seen.push(trailer.get("x-t")),
    };
    await client.say({ value: "good" }, options);
    for await (const _ of client.count({}, options));
    expect(seen).toEqual(["r", "t", "h", "t"]);
    await expect(client.say({ value: "bad" })).rejects.toMatchObject({
      code: Code.OutOfRange,
      rawMessage: "bad",
    });
  });

  test("can abort, and has deadlines", async () => {
    const { client } = connect({ ...echo, say: () => new Promise(() => {}) });
    const abort = new AbortController();
    const reply = client.say({}, { signal: abort.signal });
    abort.abort();
    await expect(reply).rejects.toMatchObject({ code: Code.Canceled });
    await expect(client.say({}, { timeoutMs: 1 })).rejects.toMatchObject({ code: Code.DeadlineExceeded });
  });
});

test("interceptors of the transport are applied", async () => {
  const end = createServiceEnd({ services: [{ desc: EchoService, implementation: echo }] });
  const names: string[] = [];
  const transport = createConnectionTransport(end, {
    interceptors: [
      (next) => (request) => {
        names.push(request.method.name);
        return next(request);
      },
    ],
  });
  const client = createClient(EchoService, transport);
  await client.say({});
  for await (const _ of client.count({ value: 1 }));
  expect(names).toEqual(["Say", "Count"]);
});

test("a stream that fails before its header is a call that failed", async () => {
  const end = createServiceEnd({});
  const transport = createConnectionTransport(end);
  const source = vi.fn();
  const call = transport.stream(EchoService.method.count, undefined, undefined, undefined, {
    [Symbol.asyncIterator]: source,
  });
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(failureInfo(error)).toMatchObject({ reason: "UNKNOWN_METHOD" });
  expect(source).not.toHaveBeenCalled();
  const refused = transport.stream(
    EchoService.method.count,
    undefined,
    undefined,
    { "a b": "" },
    {
      [Symbol.asyncIterator]: source,
    },
  );
  await expect(refused).rejects.toMatchObject({ code: Code.InvalidArgument });
});
