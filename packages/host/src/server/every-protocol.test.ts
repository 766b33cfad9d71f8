import { createFailure } from "@connect-plugin/protocol";
import { failureInfo, toConnectError } from "@connect-plugin/rpc";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDoor, type TestDoor, Text } from "./fixtures/test-door.js";

// connect-es's clients against the door: each kind of method, in each protocol, over each version of HTTP that carries
// it, in both codecs, plain and compressed.

type Make = (options: {
  baseUrl: string;
  httpVersion: "1.1" | "2";
  useBinaryFormat: boolean;
  acceptCompression: (typeof compressionGzip)[];
  sendCompression?: typeof compressionGzip;
  compressMinBytes: number;
}) => Transport;

const protocols: Readonly<
  Record<string, { readonly make: Make; readonly versions: readonly ("1.1" | "2")[] }>
> = {
  connect: { make: createConnectTransport, versions: ["1.1", "2"] },
  grpc: { make: createGrpcTransport as Make, versions: ["2"] },
  "grpc-web": { make: createGrpcWebTransport, versions: ["1.1", "2"] },
};

const cells = Object.entries(protocols).flatMap(([protocol, { make, versions }]) =>
  versions.flatMap((httpVersion) =>
    [true, false].flatMap((binary) =>
      [false, true].map((gzip) => ({
        name: `${protocol} over HTTP/${httpVersion}, ${binary ? "proto" : "json"}, ${gzip ? "gzip" : "identity"}`,
        make,
        httpVersion,
        binary,
        gzip,
      })),
    ),
  ),
);

let bench: TestDoor;

beforeAll(async () => {
  bench = await openTestDoor({
    implementation: {
      async say({ value }, call) {
        if (value === "fail") throw failing();
        if (value === "wait") await aborted.wait(call.signal);
        call.responseHeader.set("x-answer", "header");
        call.responseHeader.set("x-answer-bin", "AQID");
        call.responseTrailer.set("x-answer-end", "trailer");
        return {
          value: `${value} ${call.requestHeader.get("x-ask") ?? "-"} ${call.requestHeader.get("x-ask-bin") ?? "-"}`,
        };
      },
      async *watch({ value }, call) {
        call.responseHeader.set("x-answer", "header");
        for (const letter of value) yield { value: letter };
        if (value === "fail") throw failing();
        call.responseTrailer.set("x-answer-end", "trailer");
      },
    },
  });
});

afterAll(() => bench[Symbol.asyncDispose]());

/** A handler that waits for its signal, and a test that waits for the handler. */
const aborted = (() => {
  let begin: () => void = () => undefined;
  let see: () => void = () => undefined;
  let begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  let seen = new Promise<void>((resolve) => {
    see = resolve;
  });
  return {
    begun: () => begun,
    async seen() {
      await seen;
      begun = new Promise((resolve) => {
        begin = resolve;
      });
      seen = new Promise((resolve) => {
        see = resolve;
      });
    },
    async wait(signal: AbortSignal) {
      begin();
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      see();
    },
  };
})();

function failing() {
  const error = toConnectError(
    createFailure("GRANT_SCOPE", "Nicht für dich: 100 %", { facts: { method: "Say" } }),
  );
  error.metadata.set("x-error", "metadata");
  return error;
}

describe.each(cells)("$name", ({ make, httpVersion, binary, gzip }) => {
  function client() {
    const transport = make({
      baseUrl: bench.url,
      httpVersion,
      useBinaryFormat: binary,
      acceptCompression: gzip ? [compressionGzip] : [],
      ...(gzip ? { sendCompression: compressionGzip } : {}),
      compressMinBytes: 0,
    });
    return createClient(Text, transport);
  }

  test("unary, with metadata both ways", async () => {
    const seen: Record<string, string | null> = {};
    const answer = await client().say(
      { value: "hello" },
      {
        headers: { "x-ask": "asked", "x-ask-bin": "AQI=" },
        timeoutMs: 5_000,
        onHeader: (header) => {
          seen.header = header.get("x-answer");
          seen.binary = header.get("x-answer-bin");
        },
        onTrailer: (trailer) => {
          seen.trailer = trailer.get("x-answer-end");
        },
      },
    );
    expect(answer.value).toBe("hello asked AQI");
    expect(seen).toEqual({ header: "header", binary: "AQID", trailer: "trailer" });
    const head = bench.heads.at(-1);
    expect(head).toMatchObject({ codec: binary ? "proto" : "json", acceptGzip: gzip });
    const remaining = (head?.deadline ?? 0) - performance.now();
    expect(remaining).toBeGreaterThan(0);
    expect(remaining).toBeLessThan(5_000);
  });

  test("a large unary message", async () => {
    const value = "0123456789".repeat(100_000);
    const answer = await client().say({ value });
    expect(answer.value).toBe(`${value} - -`);
  });

  test("a failure, with its details and metadata", async () => {
    const error = await client()
      .say({ value: "fail" })
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConnectError);
    if (!(error instanceof ConnectError)) return;
    expect(error.code).toBe(Code.PermissionDenied);
    expect(error.rawMessage).toBe("Nicht für dich: 100 %");
    expect(failureInfo(error)).toMatchObject({ reason: "GRANT_SCOPE", facts: { method: "Say" } });
    expect(error.metadata.get("x-error")).toBe("metadata");
  });

  test("server streaming, and one that fails after messages", async () => {
    const letters: string[] = [];
    const seen: Record<string, string | null> = {};
    for await (const { value } of client().watch(
      { value: "abc" },
      {
        onHeader: (header) => {
          seen.header = header.get("x-answer");
        },
        onTrailer: (trailer) => {
          seen.trailer = trailer.get("x-answer-end");
        },
      },
    )) {
      letters.push(value);
    }
    expect(letters.join("")).toBe("abc");
    expect(seen).toEqual({ header: "header", trailer: "trailer" });
    const before: string[] = [];
    const error = await (async () => {
      for await (const { value } of client().watch({ value: "fail" })) before.push(value);
    })().catch((caught: unknown) => caught);
    expect(before.join("")).toBe("fail");
    expect(ConnectError.from(error).code).toBe(Code.PermissionDenied);
    expect(ConnectError.from(error).metadata.get("x-error")).toBe("metadata");
  });

  test("a server stream without messages", async () => {
    const letters: string[] = [];
    for await (const { value } of client().watch({ value: "" })) letters.push(value);
    expect(letters).toEqual([]);
  });

  test("client streaming", async () => {
    const answer = await client().join(
      (async function* () {
        for (const value of ["a", "b", "", "c".repeat(300_000)]) yield { value };
      })(),
    );
    expect(answer.value).toBe(`ab${"c".repeat(300_000)}`);
  });

  test("an abort ends the call, for its handler too", async () => {
    const controller = new AbortController();
    const call = client().say({ value: "wait" }, { signal: controller.signal });
    const failed = expect(call).rejects.toMatchObject({ code: Code.Canceled });
    await aborted.begun();
    controller.abort();
    await failed;
    await aborted.seen();
  });

  test("a deadline ends the call, for its handler too", async () => {
    // The connection stands, and the deadline leaves even a slow machine the time to get to the handler.
    await client().say({ value: "first" });
    const call = client().say({ value: "wait" }, { timeoutMs: 750 });
    const failed = expect(call).rejects.toMatchObject({ code: Code.DeadlineExceeded });
    await aborted.begun();
    await failed;
    await aborted.seen();
  });

  if (httpVersion === "1.1") return;

  // connect-es's own clients refuse bidi over HTTP/1.1.
  test("bidi streaming, a message at a time", async () => {
    let answered: () => void = () => undefined;
    const requests = (async function* () {
      for (const value of ["one", "two", "three"]) {
        const next = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { value };
        await next;
      }
    })();
    const answers: string[] = [];
    for await (const { value } of client().chat(requests)) {
      answers.push(value);
      answered();
    }
    expect(answers).toEqual(["re: one", "re: two", "re: three"]);
  });
});

test("the table has every cell", () => {
  expect(cells.map(({ name }) => name)).toHaveLength(20);
});
