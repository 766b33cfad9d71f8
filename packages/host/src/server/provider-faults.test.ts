import { create } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import type { CallHandler, Metadata, Piece, ResponseSink } from "@connect-plugin/protocol";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describe, expect, test } from "vitest";
import { openTestDoor, Text } from "./fixtures/test-door.js";

// What providers can get wrong: callers get a clear answer in their own protocol all the same.

const transports: Readonly<Record<string, (baseUrl: string) => Transport>> = {
  "Connect over HTTP/1.1": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "1.1", acceptCompression: [] }),
  "Connect over HTTP/2": (baseUrl) =>
    createConnectTransport({ baseUrl, httpVersion: "2", acceptCompression: [] }),
  gRPC: (baseUrl) => createGrpcTransport({ baseUrl, acceptCompression: [] }),
  "gRPC-Web": (baseUrl) => createGrpcWebTransport({ baseUrl, httpVersion: "1.1", acceptCompression: [] }),
};

const bytes = (size: number, more = false, gzip = false): Piece => ({
  form: "bytes",
  bytes: new Uint8Array(size),
  more,
  gzip,
});
const message: Piece = { form: "message", desc: StringValueSchema, message: create(StringValueSchema) };

/** Answers with what `respond` does, once the request is there. */
function answering(respond: (responses: ResponseSink) => void, onCancel = () => undefined): CallHandler {
  return {
    start(_head, responses) {
      let answered = false;
      const answer = () => {
        if (!answered) respond(responses);
        answered = true;
      };
      return { message: answer, end: answer, cancel: onCancel, credit: () => undefined };
    },
  };
}

const NEWLINE: Metadata = [["x-answer", "a\r\nset-cookie: b"]];

describe.each(Object.entries(transports))("%s", (name, transport) => {
  async function failureOf(handler: CallHandler): Promise<ConnectError> {
    await using bench = await openTestDoor({ handler, door: { limits: { messageBytes: 1_000 } } });
    const client = createClient(Text, transport(bench.url));
    const error = await client.say({ value: "x" }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConnectError);
    return ConnectError.from(error);
  }

  test("a handler that throws", async () => {
    const error = await failureOf({
      start() {
        throw new Error("a secret");
      },
    });
    expect(error).toMatchObject({ code: Code.Internal, rawMessage: "The call could not be begun." });
  });

  test("a header and a trailer that would break out of their line", async () => {
    const inHeader = await failureOf(
      answering((responses) => {
        responses.header(NEWLINE);
        responses.message(message);
        responses.end([], undefined);
      }),
    );
    expect(inHeader.code).toBe(Code.Internal);
    expect(inHeader.rawMessage).toBe(
      "The answer cannot be passed on: its metadata holds what HTTP cannot carry.",
    );
    expect(inHeader.metadata.get("set-cookie")).toBeNull();
    const inTrailer = await failureOf(
      answering((responses) => {
        responses.message(message);
        responses.end(NEWLINE, undefined);
      }),
    );
    expect(inTrailer).toMatchObject({ code: Code.Internal, rawMessage: inHeader.rawMessage });
  });

  test("a message that is larger than the limit", async () => {
    const error = await failureOf(
      answering((responses) => {
        responses.message(bytes(600, true));
        responses.message(bytes(600));
        responses.end([], undefined);
      }),
    );
    expect(error.code).toBe(Code.ResourceExhausted);
    expect(error.rawMessage).toContain("A response message may have 1000 bytes; this one has at least 1200.");
  });

  test("gzip for a caller who cannot read it", async () => {
    const error = await failureOf(
      answering((responses) => {
        responses.message(bytes(3, false, true));
        responses.end([], undefined);
      }),
    );
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toBe(
      "The answer cannot be passed on: it is compressed, which its caller cannot read.",
    );
  });

  test("an end inside a message", async () => {
    const error = await failureOf(
      answering((responses) => {
        responses.message(bytes(3, true));
        responses.end([], undefined);
      }),
    );
    expect(error.code).toBe(Code.Internal);
    expect(error.rawMessage).toMatch(/it ended (in the middle of|well, but without) a message\.$/);
  });

  test("no message, or several, where there must be one", async () => {
    const none = await failureOf(answering((responses) => responses.end([], undefined)));
    // What a client makes of it is up to the client; that it is no answer, all agree on.
    expect([Code.Internal, Code.Unimplemented, Code.Unknown]).toContain(none.code);
    const several = await failureOf(
      answering((responses) => {
        responses.message(message);
        responses.message(message);
        responses.end([], undefined);
      }),
    );
    expect([Code.Internal, Code.Unimplemented]).toContain(several.code);
  });

  test("what comes after the end is ignored", async () => {
    let later: ResponseSink | undefined;
    const handler = answering((responses) => {
      later = responses;
      responses.message(message);
      responses.end([], undefined);
    });
    await using bench = await openTestDoor({ handler });
    const client = createClient(Text, transport(bench.url));
    await client.say({ value: "x" });
    later?.header([]);
    later?.message(message);
    later?.credit(10);
    later?.end([], undefined);
    expect((await client.say({ value: name })).value).toBe("");
  });
});
