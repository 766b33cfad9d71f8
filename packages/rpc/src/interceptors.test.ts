import {
  Code,
  ConnectError,
  createContextKey,
  createContextValues,
  type Interceptor,
} from "@connectrpc/connect";
import { afterEach, describe, expect, test, vi } from "vitest";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { createServiceClient } from "./service-client.js";
import { createServiceEnd } from "./service-end.js";

afterEach(() => {
  vi.useRealTimers();
});

/** Notes what passes, both ways. */
function tracer(name: string, log: string[]): Interceptor {
  return (next) => async (request) => {
    log.push(`${name} > ${request.method.name} ${request.stream ? "stream" : "unary"}`);
    const response = await next(request);
    log.push(`${name} < ${response.header.get("x-from") ?? "nobody"}`);
    return response;
  };
}

async function* ints(...values: number[]) {
  for (const value of values) yield { value };
}

async function collect<T, R>(messages: AsyncIterable<T>, map: (message: T) => R): Promise<R[]> {
  const all: R[] = [];
  for await (const message of messages) all.push(map(message));
  return all;
}

describe.each(["client", "service end"])("on the %s", (side) => {
  function connect(interceptors: Interceptor[], implementation: object = echo) {
    const there = side === "client" ? [] : interceptors;
    const here = side === "client" ? interceptors : [];
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation }], interceptors: there });
    return { end, client: createServiceClient(EchoService, end, { interceptors: here }) };
  }

  test("all kinds pass through all interceptors, the first one outermost", async () => {
    const log: string[] = [];
    const { end, client } = connect([tracer("a", log), tracer("b", log)]);
    expect(await client.say({ value: "x" })).toMatchObject({ value: "x" });
    expect(await collect(client.count({ value: 3 }), ({ value }) => value)).toEqual([1, 2, 3]);
    expect(await client.sum(ints(1, 2, 3))).toMatchObject({ value: 6 });
    const words = (async function* () {
      yield { value: "hi" };
    })();
    expect(await collect(client.chat(words), ({ value }) => value)).toEqual(["re: hi"]);
    expect(log.filter((line) => line.includes(">"))).toEqual([
      "a > Say unary",
      "b > Say unary",
      "a > Count stream",
      "b > Count stream",
      "a > Sum stream",
      "b > Sum stream",
      "a > Chat stream",
      "b > Chat stream",
    ]);
    expect(log.slice(0, 4)).toEqual(["a > Say unary", "b > Say unary", "b < nobody", "a < nobody"]);
    await end.idle();
  });

  test("they may change header, message, values and response", async () => {
    const key = createContextKey("none");
    const seen: string[] = [];
    const change: Interceptor = (next) => async (request) => {
      request.header.set("x-added", "yes");
      request.contextValues.set(key, "set");
      if (request.stream) return await next(request);
      const message = { ...request.message, value: "changed" };
      const response = await next({ ...request, message } as typeof request);
      response.header.set("x-from", "interceptor");
      response.trailer.set("x-end", "interceptor");
      return response;
    };
    const { client } = connect([change], {
      ...echo,
      say: ((request, call) => {
        seen.push(call.requestHeader.get("x-added") ?? "", call.values.get(key));
        return { value: `got ${request.value}` };
      }) as (typeof echo)["say"],
    });
    const heard: (string | null)[] = [];
    const reply = await client.say(
      { value: "x" },
      {
        onHeader: (header) => heard.push(header.get("x-from")),
        onTrailer: (trailer) => heard.push(trailer.get("x-end")),
      },
    );
    expect(reply.value).toBe("got changed");
    expect(seen).toEqual(["yes", side === "client" ? "none" : "set"]);
    expect(heard).toEqual(["interceptor", "interceptor"]);
  });

  test("they may answer instead, or fail", async () => {
    const say = vi.fn();
    const { client } = connect(
      [
        () => () => {
          throw new ConnectError("not today", Code.PermissionDenied);
        },
      ],
      { ...echo, say },
    );
    const refused = { code: Code.PermissionDenied, rawMessage: "not today" };
    await expect(client.say({})).rejects.toMatchObject(refused);
    await expect(collect(client.count({}), String)).rejects.toMatchObject(refused);
    await expect(client.sum(ints())).rejects.toMatchObject(refused);
    expect(say).not.toHaveBeenCalled();
  });

  test("leaving a stream early ends the call behind them", async () => {
    const cleanup = vi.fn();
    const { end, client } = connect([tracer("a", [])], {
      ...echo,
      async *count() {
        try {
          for (let value = 0; ; value += 1) yield { value };
        } finally {
          cleanup();
        }
      },
    });
    for await (const { value } of client.count({})) if (value === 2) break;
    await end.idle();
    expect(cleanup).toHaveBeenCalledOnce();
  });

  test("they may wrap streams", async () => {
    const { client } = connect([
      (next) => async (request) => {
        const response = await next(request);
        if (!response.stream) return response;
        const { message } = response;
        async function* twice() {
          for await (const one of message) {
            yield one;
            yield one;
          }
        }
        return { ...response, message: twice() };
      },
    ]);
    expect(await collect(client.count({ value: 2 }), ({ value }) => value)).toEqual([1, 1, 2, 2]);
    await expect(client.sum(ints(1))).rejects.toMatchObject({
      code: Code.Unimplemented,
      rawMessage:
        "Exactly one message was expected, but there were more. An interceptor may have changed the stream.",
    });
  });
});

describe("on the client,", () => {
  test("one deadline bounds all that they do", async () => {
    vi.useFakeTimers();
    const never = new Promise<never>(() => {});
    const end = createServiceEnd({
      services: [{ desc: EchoService, implementation: { ...echo, say: () => never } }],
    });
    let attempts = 0;
    const retry: Interceptor = (next) => async (request) => {
      for (;;) {
        attempts += 1;
        const attempt = AbortSignal.any([request.signal, abortIn(40)]);
        try {
          return await next({ ...request, signal: attempt });
        } catch (error) {
          if (request.signal.aborted) throw error;
        }
      }
    };
    const client = createServiceClient(EchoService, end, { interceptors: [retry] });
    const failed = expect(client.say({}, { timeoutMs: 100 })).rejects.toMatchObject({
      code: Code.DeadlineExceeded,
      rawMessage:
        "test.v1.EchoService/Say was not answered within 100 ms. Set timeoutMs if it may take longer.",
    });
    await vi.advanceTimersByTimeAsync(200);
    await failed;
    expect(attempts).toBe(3);
    expect(end.active).toBe(3);
  });

  test("the caller's signal and context values are theirs too", async () => {
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation: echo }] });
    const key = createContextKey(0);
    const seen: unknown[] = [];
    const look: Interceptor = (next) => async (request) => {
      seen.push(request.contextValues.get(key), request.url, request.requestMethod, request.signal.aborted);
      return await next(request);
    };
    const client = createServiceClient(EchoService, end, { interceptors: [look] });
    await client.say({}, { contextValues: createContextValues().set(key, 5) });
    await expect(client.say({}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: Code.Canceled,
    });
    expect(seen).toEqual([
      5,
      "connect-plugin://call/test.v1.EchoService/Say",
      "POST",
      false,
      0,
      "connect-plugin://call/test.v1.EchoService/Say",
      "POST",
      true,
    ]);
  });

  test("a header that they break is told", async () => {
    const end = createServiceEnd({ services: [{ desc: EchoService, implementation: echo }] });
    const client = createServiceClient(EchoService, end, {
      interceptors: [
        (next) => (request) => {
          request.header.set("x", "ü");
          return next(request);
        },
      ],
    });
    await expect(client.say({})).rejects.toMatchObject({ code: Code.InvalidArgument });
    await expect(collect(client.count({}), String)).rejects.toMatchObject({ code: Code.InvalidArgument });
  });
});

function abortIn(ms: number): AbortSignal {
  const abort = new AbortController();
  setTimeout(() => abort.abort(), ms);
  return abort.signal;
}
