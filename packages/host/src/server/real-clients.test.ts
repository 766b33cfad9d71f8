import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type StringValue, StringValueSchema } from "@bufbuild/protobuf/wkt";
import {
  Client,
  compressionAlgorithms,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
} from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDoor, type TestDoor, Text } from "./fixtures/test-door.js";

// Clients that share no code with us: gRPC's own for Node, and curl.

const run = promisify(execFile);

let bench: TestDoor;

beforeAll(async () => {
  bench = await openTestDoor({
    implementation: {
      async say({ value }, call) {
        if (value === "wait") await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        call.responseHeader.set("x-answer", "header");
        call.responseTrailer.set("x-answer-end", "trailer");
        call.responseTrailer.set("x-answer-bin", "AQID");
        return { value: `${value} ${call.requestHeader.get("x-ask-bin") ?? "-"}` };
      },
    },
  });
});

afterAll(() => bench[Symbol.asyncDispose]());

function definition(name: string, requestStream: boolean, responseStream: boolean) {
  const serialize = (message: StringValue) => Buffer.from(toBinary(StringValueSchema, message));
  const deserialize = (bytes: Buffer) => fromBinary(StringValueSchema, bytes);
  return {
    path: `/${Text.typeName}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  } satisfies MethodDefinition<StringValue, StringValue>;
}

const text = (value: string) => create(StringValueSchema, { value });

describe.each([
  ["plain", compressionAlgorithms.identity],
  ["gzip", compressionAlgorithms.gzip],
])("@grpc/grpc-js, %s", (_name, algorithm) => {
  let client: Client;

  beforeAll(() => {
    client = new Client(new URL(bench.url).host, credentials.createInsecure(), {
      "grpc.default_compression_algorithm": algorithm,
    });
  });

  afterAll(() => client.close());

  function say(value: string, metadata = new Metadata(), deadline = Date.now() + 10_000) {
    const { path, requestSerialize, responseDeserialize } = definition("Say", false, false);
    const seen: { header?: Metadata; trailer?: Metadata } = {};
    return new Promise<{ value: string; header: Metadata | undefined; trailer: Metadata | undefined }>(
      (resolve, reject) => {
        const call = client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          text(value),
          metadata,
          { deadline },
          (error: ServiceError | null, answer) => {
            // The status comes after the answer.
            setImmediate(() => {
              if (error !== null) reject(error);
              else resolve({ value: answer?.value ?? "", header: seen.header, trailer: seen.trailer });
            });
          },
        );
        call.on("metadata", (header: Metadata) => {
          seen.header = header;
        });
        call.on("status", ({ metadata: trailer }) => {
          seen.trailer = trailer;
        });
      },
    );
  }

  test("unary, with metadata both ways", async () => {
    const metadata = new Metadata();
    metadata.set("x-ask-bin", Buffer.from([1, 2]));
    const answer = await say("hello", metadata);
    expect(answer.value).toBe("hello AQI");
    expect(answer.header?.get("x-answer")).toEqual(["header"]);
    expect(answer.trailer?.get("x-answer-end")).toEqual(["trailer"]);
    expect(answer.trailer?.get("x-answer-bin")).toEqual([Buffer.from([1, 2, 3])]);
  });

  test("a large message", async () => {
    const value = "0123456789".repeat(100_000);
    expect((await say(value)).value).toBe(`${value} -`);
  });

  test("a deadline, and a method that is not there", async () => {
    await expect(say("wait", new Metadata(), Date.now() + 100)).rejects.toMatchObject({ code: 4 });
    const { requestSerialize, responseDeserialize } = definition("Sing", false, false);
    const failed = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(
        `/${Text.typeName}/Sing`,
        requestSerialize,
        responseDeserialize,
        text("x"),
        resolve,
      );
    });
    expect(failed).toMatchObject({
      code: 12,
      details:
        "The service door.test.v1.TextService has no method Sing here. Its provider may have another version of it.",
    });
    expect(failed?.metadata.get("grpc-status-details-bin")).toHaveLength(1);
  });

  test("server, client and bidi streaming", async () => {
    const watch = definition("Watch", false, true);
    const letters: string[] = [];
    const watching = client.makeServerStreamRequest(
      watch.path,
      watch.requestSerialize,
      watch.responseDeserialize,
      text("abc"),
    );
    for await (const { value } of watching as AsyncIterable<StringValue>) letters.push(value);
    expect(letters).toEqual(["a", "b", "c"]);

    const join = definition("Join", true, false);
    const joined = await new Promise<string | undefined>((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        join.path,
        join.requestSerialize,
        join.responseDeserialize,
        (error, answer) => (error === null ? resolve(answer?.value) : reject(error)),
      );
      for (const value of ["a", "b", "c"]) call.write(text(value));
      call.end();
    });
    expect(joined).toBe("abc");

    const chat = definition("Chat", true, true);
    const call = client.makeBidiStreamRequest(chat.path, chat.requestSerialize, chat.responseDeserialize);
    const answers: string[] = [];
    call.write(text("one"));
    for await (const { value } of call as AsyncIterable<StringValue>) {
      answers.push(value);
      if (answers.length === 1) call.write(text("two"));
      else call.end();
    }
    expect(answers).toEqual(["re: one", "re: two"]);
  });
});

describe("curl", () => {
  async function curl(...args: string[]) {
    const { stdout } = await run("curl", ["-sS", "--max-time", "10", ...args]);
    return stdout;
  }

  test.each(["--http1.1", "--http2-prior-knowledge"])("Connect as JSON, %s", async (version) => {
    const url = `${bench.url}/${Text.typeName}/Say`;
    const answer = await curl(version, "-H", "content-type: application/json", "-d", '"hello"', url);
    expect(answer).toBe('"hello -"');
    const compressed = await curl(
      version,
      "--compressed",
      "-H",
      "content-type: application/json",
      "-d",
      '"hello"',
      url,
    );
    expect(compressed).toBe('"hello -"');
  });

  test("a failure is JSON too", async () => {
    const url = `${bench.url}/${Text.typeName}/Sing`;
    const answer = await curl(
      "-H",
      "content-type: application/json",
      "-d",
      "{}",
      "-w",
      "\n%{http_code}",
      url,
    );
    const [body = "", status] = answer.split("\n");
    expect(status).toBe("501");
    expect(JSON.parse(body)).toMatchObject({ code: "unimplemented" });
  });

  test("a body that curl asks leave for first", async () => {
    const url = `${bench.url}/${Text.typeName}/Say`;
    const value = "x".repeat(100_000);
    const answer = await curl(
      "--http1.1",
      "-H",
      "content-type: application/json",
      "-H",
      "expect: 100-continue",
      "-d",
      JSON.stringify(value),
      url,
    );
    expect(JSON.parse(answer)).toBe(`${value} -`);
  });
});
