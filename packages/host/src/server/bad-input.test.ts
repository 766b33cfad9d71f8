import { once } from "node:events";
import { decodeFailureInfo } from "@connect-plugin/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askHttp2, openHttp2, openRaw, requestText } from "./fixtures/raw-http.js";
import { openTestDoor, type TestDoor, Text } from "./fixtures/test-door.js";
import { envelope } from "./protocol/envelope.js";

// What callers can get wrong: each is answered in the caller's own protocol, and leaves nothing behind.

const SAY = `/${Text.typeName}/Say`;
const WATCH = `/${Text.typeName}/Watch`;
const JOIN = `/${Text.typeName}/Join`;
const CHAT = `/${Text.typeName}/Chat`;
const JSON_CALL = { "content-type": "application/json" };

let bench: TestDoor;
let cancelled = 0;

beforeAll(async () => {
  bench = await openTestDoor({
    implementation: {
      async say({ value }, call) {
        if (value !== "wait") return { value: `you said ${value}` };
        await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
        cancelled++;
        throw call.signal.reason;
      },
    },
    door: {
      limits: { messageBytes: 1_000, headerBytes: 4_096, bodyMs: 150 },
      methodInfo: (service, method) =>
        service === Text.typeName && method === "Say"
          ? { kind: "unary", idempotency: "no_side_effects" }
          : undefined,
    },
    listener: { limits: { headerBytes: 4_096, headerMs: 300 } },
  });
});

afterAll(async () => {
  await settled(() => bench.active() === 0 && bench.door.active === 0);
  await bench[Symbol.asyncDispose]();
  expect(bench.listener.connections).toBe(0);
});

async function settled(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** One request of HTTP/1.1, as text. */
async function ask(line: string, fields: Record<string, string | number>, body = "") {
  await using raw = await openRaw(bench.url);
  raw.send(requestText(line, fields, body));
  return readError(await raw.answer());
}

function readError(answer: { status: number; fields: Readonly<Record<string, string>>; body: string }) {
  const type = answer.fields["content-type"];
  const parsed: unknown = type === "application/json" ? JSON.parse(answer.body) : undefined;
  return { ...answer, type, ...errorOf(parsed) };
}

function errorOf(error: unknown) {
  const { code, message, details } = (error ?? {}) as {
    code?: string;
    message?: string;
    details?: { type: string; value: string }[];
  };
  const [detail] = details ?? [];
  const info = detail && decodeFailureInfo({ type: detail.type, value: Buffer.from(detail.value, "base64") });
  return { code, message, reason: info?.reason, fault: info?.fault };
}

function fieldOf(line: string): [string, string] {
  const colon = line.indexOf(": ");
  return [line.slice(0, colon), line.slice(colon + 2)];
}

const CALL = (body: string) => [{ ...JSON_CALL, "content-length": body.length }, body] as const;

describe("over HTTP/1.1", () => {
  test("a content type of no protocol: 415, in JSON", async () => {
    const answer = await ask(`POST ${SAY}`, { "content-type": "text/xml", "content-length": 4 }, "<a/>");
    expect(answer).toMatchObject({
      status: 415,
      type: "application/json",
      code: "unimplemented",
      reason: "PROTOCOL_UNSUPPORTED",
      fault: "caller",
    });
    expect(answer.message).toBe(
      'Wanted the content type of Connect (application/json, application/proto, application/connect+json or +proto), gRPC (application/grpc) or gRPC-Web (application/grpc-web), but it is "text/xml".',
    );
  });

  test("no content type: 415", async () => {
    const answer = await ask(`POST ${SAY}`, { "content-length": 2 }, "{}");
    expect(answer).toMatchObject({ status: 415, code: "unimplemented", reason: "PROTOCOL_UNSUPPORTED" });
    expect(answer.message).toContain("but there is none.");
  });

  test("a charset other than UTF-8: 415; UTF-8 itself is fine", async () => {
    const latin = await ask(
      `POST ${SAY}`,
      { "content-type": "application/json; charset=latin1", "content-length": 3 },
      '"a"',
    );
    expect(latin.status).toBe(415);
    const fine = await ask(
      `POST ${SAY}`,
      { "content-type": "Application/JSON; Charset=UTF-8", "content-length": 3 },
      '"a"',
    );
    expect(fine).toMatchObject({ status: 200, body: '"you said a"' });
  });

  test("an unknown version of the protocol", async () => {
    const [fields, body] = CALL('"a"');
    const answer = await ask(`POST ${SAY}`, { ...fields, "connect-protocol-version": "2" }, body);
    expect(answer).toMatchObject({ status: 400, code: "invalid_argument", reason: "REQUEST_INVALID" });
    expect(answer.message).toBe('connect-protocol-version: wanted 1, the only version, got "2"');
  });

  test.each(["soon", "-1", "1.5", "12345678901", ""])("a deadline that is none: %j", async (timeout) => {
    const [fields, body] = CALL('"a"');
    const answer = await ask(`POST ${SAY}`, { ...fields, "connect-timeout-ms": timeout }, body);
    expect(answer).toMatchObject({ status: 400, code: "invalid_argument", reason: "REQUEST_INVALID" });
    expect(answer.message).toContain("connect-timeout-ms: wanted milliseconds in at most 10 digits, got ");
  });

  test("a header over the limit, answered in the protocol", async () => {
    const [fields, body] = CALL('"a"');
    const answer = await ask(`POST ${SAY}`, { ...fields, "x-large": "x".repeat(5_000) }, body);
    expect(answer).toMatchObject({ status: 431, code: "resource_exhausted", reason: "METADATA_TOO_LARGE" });
    expect(answer.message).toContain("A request's header may have 4096 bytes");
  });

  test("a header far over the limit, and the connection ends", async () => {
    await using raw = await openRaw(bench.url);
    raw.send(requestText(`POST ${SAY}`, { "x-large": "x".repeat(20_000) }));
    expect(readError(await raw.answer())).toMatchObject({ status: 431, code: "resource_exhausted" });
    await raw.ended;
  });

  test("no HTTP at all, and the connection ends", async () => {
    await using raw = await openRaw(bench.url);
    raw.send("hello there\r\n\r\n");
    expect(readError(await raw.answer())).toMatchObject({ status: 400, reason: "REQUEST_INVALID" });
    await raw.ended;
  });

  test("a message over the limit, by its length: refused before it is read", async () => {
    const answer = await ask(`POST ${SAY}`, { ...JSON_CALL, "content-length": 5_000 });
    expect(answer).toMatchObject({ status: 429, code: "resource_exhausted", reason: "MESSAGE_TOO_LARGE" });
    expect(answer.message).toContain("may have 1000 bytes; this one has at least 5000");
  });

  test("a message over the limit, in chunks", async () => {
    const chunk = `3e8\r\n${"x".repeat(1_000)}\r\n`;
    const answer = await ask(`POST ${SAY}`, { ...JSON_CALL, "transfer-encoding": "chunked" }, chunk + chunk);
    expect(answer).toMatchObject({ status: 429, reason: "MESSAGE_TOO_LARGE" });
  });

  test("after a refusal, the same connection goes on", async () => {
    await using raw = await openRaw(bench.url);
    raw.send(requestText(`POST ${SAY}`, { "content-type": "text/xml", "content-length": 4 }, "<a/>"));
    expect((await raw.answer()).status).toBe(415);
    const [fields, body] = CALL('"a"');
    raw.send(requestText(`POST ${SAY}`, fields, body));
    expect((await raw.answer()).body).toBe('"you said a"');
  });

  test("a body that nobody wants and that does not end: the connection is cut, after the answer", async () => {
    await using raw = await openRaw(bench.url);
    raw.send(requestText(`POST ${SAY}`, { "content-type": "text/xml", "content-length": 1_000_000 }, "<"));
    expect((await raw.answer()).status).toBe(415);
    await raw.ended;
  });

  test("broken gzip: what it says is the provider's end's answer", async () => {
    const answer = await ask(
      `POST ${SAY}`,
      { ...JSON_CALL, "content-encoding": "gzip", "content-length": 4 },
      "nope",
    );
    expect(answer).toMatchObject({ status: 400, code: "invalid_argument", reason: "MESSAGE_INVALID" });
  });

  test("a compression that is not known", async () => {
    const [fields, body] = CALL('"a"');
    const answer = await ask(`POST ${SAY}`, { ...fields, "content-encoding": "br" }, body);
    expect(answer).toMatchObject({ status: 501, code: "unimplemented", reason: "ENCODING_UNSUPPORTED" });
  });

  test("a method of HTTP that makes no calls", async () => {
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS"]) {
      const answer = await ask(`${method} ${SAY}`, { ...JSON_CALL, "content-length": 0 });
      expect(answer).toMatchObject({ status: 405, code: "unimplemented", reason: "PROTOCOL_UNSUPPORTED" });
      expect(answer.fields.allow).toBe("POST");
    }
  });

  test.each([
    "/",
    "/nowhere",
    "/a/b/c",
    "/door.test.v1.TextService/",
    "//Say",
    "/door%2Etest.v1.TextService/Say",
    "/../Say",
  ])("a path that names no method: %s", async (path) => {
    for (const method of ["POST", "GET"]) {
      const answer = await ask(`${method} ${path}`, { ...JSON_CALL, "content-length": 0 });
      expect(answer).toMatchObject({ status: 404, code: "unimplemented", reason: "UNKNOWN_METHOD" });
      expect(answer.message).not.toContain("nowhere");
    }
  });

  test("a method that nobody provides", async () => {
    const [fields, body] = CALL('"a"');
    const answer = await ask(`POST /${Text.typeName}/Sing`, fields, body);
    expect(answer).toMatchObject({ status: 501, code: "unimplemented", reason: "UNKNOWN_METHOD" });
  });

  test("GET, for a method without side effects only", async () => {
    const query = `connect=v1&encoding=json&message=${encodeURIComponent('"by get"')}`;
    expect(await ask(`GET ${SAY}?${query}`, {})).toMatchObject({ status: 200, body: '"you said by get"' });
    const base64 = Buffer.from('"by get"').toString("base64url");
    expect(await ask(`GET ${SAY}?encoding=json&base64=1&message=${base64}`, {})).toMatchObject({
      status: 200,
    });
    const refused = await ask(`GET ${WATCH}?${query}`, {});
    expect(refused).toMatchObject({ status: 405, code: "unimplemented", reason: "PROTOCOL_UNSUPPORTED" });
    expect(refused.fields.allow).toBe("POST");
  });

  test.each([
    ["encoding=json", "message: wanted it in the query of a call by GET"],
    ["message=x", 'encoding: wanted "proto" or "json" in the query of a call by GET'],
    ["connect=v2&encoding=json&message=x", 'connect: wanted "v1", the only version'],
    ["encoding=json&base64=1&message=%21", "message: wanted it in the query of a call by GET"],
  ])("GET with a query that is none: %s", async (query, message) => {
    const answer = await ask(`GET ${SAY}?${query}`, {});
    expect(answer).toMatchObject({
      status: 400,
      code: "invalid_argument",
      reason: "REQUEST_INVALID",
      message,
    });
  });

  test("GET with a body", async () => {
    const answer = await ask(
      `GET ${SAY}?encoding=json&message=%22a%22`,
      { ...JSON_CALL, "content-length": 2 },
      "{}",
    );
    expect(answer).toMatchObject({ status: 400, code: "invalid_argument", reason: "REQUEST_INVALID" });
    expect(answer.message).toBe(
      "A call by GET has its message in the query, and no body; this one has a body.",
    );
  });

  test("gRPC, which needs HTTP/2", async () => {
    const answer = await ask(`POST ${SAY}`, { "content-type": "application/grpc", "content-length": 0 });
    expect(answer).toMatchObject({ status: 505, type: "application/grpc" });
    expect(answer.fields["grpc-status"]).toBe("12");
    expect(answer.fields["grpc-message"]).toContain("gRPC needs HTTP/2");
  });

  test("chunks that cannot be read, and a trailer over the limit: the call is answered, the connection ends", async () => {
    const fields = { ...JSON_CALL, "transfer-encoding": "chunked" };
    await using broken = await openRaw(bench.url);
    broken.send(requestText(`POST ${SAY}`, fields, '1\r\n"\r\nno length\r\n'));
    expect(readError(await broken.answer())).toMatchObject({
      status: 400,
      code: "invalid_argument",
      reason: "REQUEST_INVALID",
      message: "This cannot be read as HTTP/1.1.",
    });
    await broken.ended;
    await using large = await openRaw(bench.url);
    large.send(requestText(`POST ${SAY}`, fields, `3\r\n"a"\r\n0\r\nx-large: ${"x".repeat(20_000)}\r\n\r\n`));
    expect(readError(await large.answer())).toMatchObject({ status: 431, reason: "METADATA_TOO_LARGE" });
    await large.ended;
  });

  test("a client that goes in the middle of its request", async () => {
    const before = bench.heads.length;
    const raw = await openRaw(bench.url);
    raw.send(requestText(`POST ${SAY}`, { ...JSON_CALL, "content-length": 100 }, '"a'));
    await settled(() => bench.heads.length > before);
    await raw[Symbol.asyncDispose]();
    await settled(() => bench.active() === 0 && bench.door.active === 0);
  });

  test("a client that goes, or only ends its side, while it waits for the answer", async () => {
    for (const leave of ["destroy", "end"] as const) {
      const before = cancelled;
      const raw = await openRaw(bench.url);
      const [fields, body] = CALL('"wait"');
      raw.send(requestText(`POST ${SAY}`, fields, body));
      await settled(() => bench.active() === 1);
      raw.socket[leave]();
      await settled(() => cancelled === before + 1);
      await raw.ended;
    }
  });

  test("a message that stops in the middle", async () => {
    await using raw = await openRaw(bench.url);
    raw.send(requestText(`POST ${SAY}`, { ...JSON_CALL, "content-length": 100 }, '"a'));
    const answer = readError(await raw.answer());
    expect(answer).toMatchObject({ status: 408, code: "deadline_exceeded", reason: "DEADLINE_EXCEEDED" });
  });

  test("a header that does not end", async () => {
    await using raw = await openRaw(bench.url);
    raw.send(`POST ${SAY} HTTP/1.1\r\nhost: do`);
    expect(readError(await raw.answer())).toMatchObject({ status: 408, code: "deadline_exceeded" });
    await raw.ended;
  });

  test("half a preface of HTTP/2, and nothing at all: the connection ends", async () => {
    for (const text of ["PR", ""]) {
      await using raw = await openRaw(bench.url);
      if (text !== "") raw.send(text);
      await raw.ended;
    }
  });

  test("bidi over HTTP/1.1 works, one way after the other", async () => {
    await using raw = await openRaw(bench.url);
    const messages = ['"one"', '"two"'].map((text) => envelope(0, Buffer.from(text)));
    const body = Buffer.concat(messages).toString("latin1");
    raw.send(
      requestText(`POST ${CHAT}`, {
        "content-type": "application/connect+json",
        "content-length": body.length,
      }),
    );
    raw.send(Buffer.concat(messages));
    let text = "";
    raw.socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
    });
    await settled(() => text.includes("{}"));
    expect(text).toContain('"re: one"');
    expect(text).toContain('"re: two"');
  });
});

describe.each([
  ["Connect", "application/connect+json"],
  ["gRPC", "application/grpc+json"],
  ["gRPC-Web", "application/grpc-web+json"],
])("in the envelopes of %s", (protocol, type) => {
  const message = (text: string, flags = 0) => envelope(flags, Buffer.from(JSON.stringify(text)));

  async function call(path: string, body: Uint8Array, fields: Record<string, string> = {}) {
    await using http2 = openHttp2(bench.url);
    const answer = await askHttp2(http2.session, { ":path": path, "content-type": type, ...fields }, body);
    expect(answer.header[":status"]).toBe(200);
    expect(answer.header["content-type"]).toBe(type);
    return endOf(answer);
  }

  function endOf(answer: Awaited<ReturnType<typeof askHttp2>>) {
    if (protocol === "gRPC") return fromGrpc({ ...answer.header, ...answer.trailer });
    let at = 0;
    for (;;) {
      const flags = answer.body[at] as number;
      const size = answer.body.readUInt32BE(at + 1);
      const data = answer.body.subarray(at + 5, at + 5 + size).toString();
      at += 5 + size;
      if (flags === 2) {
        const { error } = JSON.parse(data) as { error?: unknown };
        return error === undefined ? { code: "ok", message: "" } : errorOf(error);
      }
      if (flags === 0x80) {
        const lines = data.trimEnd().split("\r\n");
        return fromGrpc(Object.fromEntries(lines.map(fieldOf)));
      }
    }
  }

  function fromGrpc(fields: Record<string, unknown>) {
    const names: Record<string, string> = {
      "0": "ok",
      "3": "invalid_argument",
      "8": "resource_exhausted",
      "12": "unimplemented",
      "4": "deadline_exceeded",
    };
    return {
      code: names[String(fields["grpc-status"])],
      message: decodeURIComponent(String(fields["grpc-message"] ?? "")),
    };
  }

  test("what is right", async () => {
    expect(await call(WATCH, message("ab"))).toMatchObject({ code: "ok" });
  });

  test("a truncated envelope", async () => {
    const ends = [message("ab").subarray(0, 3), message("ab").subarray(0, 7)];
    for (const body of ends) {
      const end = await call(JOIN, body);
      expect(end).toMatchObject({
        code: "invalid_argument",
        message: "The body of the request ended inside a message.",
      });
    }
  });

  test("bytes after the last message", async () => {
    const end = await call(JOIN, Buffer.concat([message("ab"), Buffer.from([0, 0])]));
    expect(end).toMatchObject({ code: "invalid_argument" });
  });

  test("flags that mean nothing in a request", async () => {
    for (const flags of [2, 0x80, 4]) {
      const end = await call(JOIN, message("ab", flags));
      expect(end.code).toBe("invalid_argument");
      expect(end.message).toContain(`those of this one are ${flags}.`);
    }
  });

  test("a compressed message where none was announced, and broken gzip where it was", async () => {
    const surprise = await call(JOIN, message("ab", 1));
    expect(surprise).toMatchObject({
      code: "invalid_argument",
      message: "A message is marked as compressed, but the request's header names no compression.",
    });
    const field = protocol === "Connect" ? "connect-content-encoding" : "grpc-encoding";
    const broken = await call(JOIN, message("ab", 1), { [field]: "gzip" });
    expect(broken.code).toBe("invalid_argument");
    expect(broken.message).toContain("its gzip data is broken");
    const unknown = await call(JOIN, message("ab", 1), { [field]: "br" });
    expect(unknown.code).toBe("unimplemented");
  });

  test("a message over the limit, before it is read", async () => {
    const prefix = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff]);
    const end = await call(JOIN, prefix);
    expect(end.code).toBe("resource_exhausted");
    expect(end.message).toContain("may have 1000 bytes; this one has at least 2147483647");
  });

  test("no message, or two, for a method that takes one", async () => {
    for (const body of [Buffer.alloc(0), Buffer.concat([message("a"), message("b")])]) {
      const end = await call(WATCH, body);
      expect(end.code).toBe("unimplemented");
      expect(end.message).toContain("it takes exactly one request message");
    }
  });

  test("a deadline that is none", async () => {
    const field = protocol === "Connect" ? "connect-timeout-ms" : "grpc-timeout";
    for (const value of ["soon", "1x", "123456789012S"]) {
      const end = await call(WATCH, message("a"), { [field]: value });
      expect(end.code).toBe("invalid_argument");
      expect(end.message).toContain(`${field}: wanted`);
    }
    const past = await call(WATCH, message("a"), { [field]: protocol === "Connect" ? "0" : "0n" });
    expect(past.code).toBe("deadline_exceeded");
  });

  test("a path that names no method", async () => {
    await using http2 = openHttp2(bench.url);
    const answer = await askHttp2(http2.session, { ":path": "/nowhere", "content-type": type }, message("a"));
    expect(answer.header[":status"]).toBe(200);
    expect(endOf(answer).code).toBe("unimplemented");
  });

  test("a stream that is reset in the middle ends the call", async () => {
    await using http2 = openHttp2(bench.url);
    const stream = http2.session.request({ ":method": "POST", ":path": CHAT, "content-type": type });
    stream.on("error", () => undefined);
    stream.write(message("a"));
    await settled(() => bench.active() === 1);
    stream.close(8);
    await once(stream, "close");
    await settled(() => bench.active() === 0);
    const next = await askHttp2(http2.session, { ":path": WATCH, "content-type": type }, message("a"));
    expect(endOf(next).code).toBe("ok");
  });

  test("a message that stops in the middle; one that has not begun may wait", async () => {
    await using http2 = openHttp2(bench.url);
    const stream = http2.session.request({ ":method": "POST", ":path": JOIN, "content-type": type });
    let header: Record<string, unknown> = {};
    let trailer: Record<string, unknown> = {};
    const chunks: Buffer[] = [];
    stream.on("response", (fields) => {
      header = fields;
    });
    stream.on("trailers", (fields) => {
      trailer = fields;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.write(message("abc").subarray(0, 7));
    await once(stream, "close");
    expect(endOf({ header, trailer, body: Buffer.concat(chunks) }).code).toBe("deadline_exceeded");
  });
});
