import { once } from "node:events";
import type { CallHandler, RequestSink, ResponseSink } from "@connect-plugin/protocol";
import { INITIAL_CREDIT, PIECE_OVERHEAD } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { askHttp2, openHttp2, openRaw, requestText } from "./fixtures/raw-http.js";
import { openTestDoor, Text } from "./fixtures/test-door.js";
import { envelope } from "./protocol/envelope.js";

const CHAT = `/${Text.typeName}/Chat`;
const SAY = `/${Text.typeName}/Say`;
const MESSAGE = 8_192;

/** A handler that takes nothing until it is told to, and keeps the books. */
function slowHandler() {
  const seen = { cost: 0, bytes: 0, pieces: 0, ended: false, credited: 0, cancelled: false };
  let responses: ResponseSink | undefined;
  const handler: CallHandler = {
    start(_head, sink): RequestSink {
      responses = sink;
      return {
        message(piece, last) {
          seen.pieces++;
          const size = piece.form === "bytes" ? piece.bytes.byteLength : 0;
          seen.bytes += size;
          seen.cost += size + PIECE_OVERHEAD;
          seen.ended ||= last;
        },
        end() {
          seen.ended = true;
        },
        cancel() {
          seen.cancelled = true;
        },
        credit(bytes) {
          seen.credited += bytes;
        },
      };
    },
  };
  return {
    handler,
    seen,
    get responses(): ResponseSink {
      if (responses === undefined) throw new Error("no call has come");
      return responses;
    },
  };
}

async function settled(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What is true stays true for a while. */
async function steady(value: () => number): Promise<void> {
  let last = -1;
  while (last !== value()) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("requests", () => {
  test.each(["HTTP/1.1", "HTTP/2"])("%s: no more is given on than there is credit for", async (version) => {
    const slow = slowHandler();
    await using bench = await openTestDoor({ handler: slow.handler });
    const messages = Array.from({ length: 100 }, () => envelope(0, Buffer.alloc(MESSAGE)));
    const body = Buffer.concat(messages);
    let answer: Promise<unknown>;
    await using raw = await openRaw(bench.url);
    await using http2 = openHttp2(bench.url);
    const type = "application/connect+proto";
    if (version === "HTTP/2") {
      answer = askHttp2(http2.session, { ":path": CHAT, "content-type": type }, body);
    } else {
      raw.send(requestText(`POST ${CHAT}`, { "content-type": type, "content-length": body.byteLength }));
      raw.send(body);
      answer = once(raw.socket, "data");
    }
    await settled(() => slow.seen.cost >= INITIAL_CREDIT);
    await steady(() => slow.seen.bytes);
    // The piece that uses the credit up may be larger than what was left of it.
    expect(slow.seen.cost).toBeLessThanOrEqual(INITIAL_CREDIT + MESSAGE + PIECE_OVERHEAD);
    expect(slow.seen.ended).toBe(false);
    while (!slow.seen.ended) {
      const { cost } = slow.seen;
      slow.seen.cost = 0;
      slow.responses.credit(cost);
      await settled(() => slow.seen.ended || slow.seen.cost > 0);
    }
    expect(slow.seen.bytes).toBe(100 * MESSAGE);
    slow.responses.end([], undefined);
    await answer;
  });

  test("a large unary body is passed on in pieces, as far as there is credit", async () => {
    const slow = slowHandler();
    await using bench = await openTestDoor({ handler: slow.handler });
    await using raw = await openRaw(bench.url);
    const size = 2_000_000;
    raw.send(requestText(`POST ${SAY}`, { "content-type": "application/proto", "content-length": size }));
    raw.send(Buffer.alloc(size));
    await settled(() => slow.seen.cost >= INITIAL_CREDIT);
    await steady(() => slow.seen.bytes);
    expect(slow.seen.bytes).toBeLessThan(200_000);
    slow.responses.credit(10_000_000);
    await settled(() => slow.seen.ended);
    expect(slow.seen.bytes).toBe(size);
    slow.responses.message({ form: "bytes", bytes: new Uint8Array(3), more: false, gzip: false });
    slow.responses.end([], undefined);
    expect((await raw.answer()).body).toBe("\0\0\0");
  });
});

describe("responses", () => {
  test.each(["HTTP/1.1", "HTTP/2"])("%s: no credit while the caller does not read", async (version) => {
    const slow = slowHandler();
    await using bench = await openTestDoor({ handler: slow.handler });
    await using raw = await openRaw(bench.url);
    await using http2 = openHttp2(bench.url);
    const type = "application/connect+proto";
    raw.socket.pause();
    const stream =
      version === "HTTP/2"
        ? http2.session.request({ ":method": "POST", ":path": CHAT, "content-type": type })
        : undefined;
    stream?.pause();
    stream?.end();
    if (stream === undefined) {
      raw.send(requestText(`POST ${CHAT}`, { "content-type": type, "content-length": 0 }));
    }
    await settled(() => slow.seen.ended);
    const piece = { form: "bytes", bytes: new Uint8Array(MESSAGE), more: false, gzip: false } as const;
    let given = 0;
    // As a handler does that obeys: it stops when its credit is used up, for good.
    for (;;) {
      const open = () => INITIAL_CREDIT + slow.seen.credited - given;
      if (open() <= 0) {
        await steady(() => slow.seen.credited);
        if (open() <= 0) break;
      }
      slow.responses.message(piece);
      given += MESSAGE + PIECE_OVERHEAD;
    }
    let received = 0;
    const count = (chunk: Buffer) => {
      received += chunk.byteLength;
    };
    if (stream === undefined) raw.socket.on("data", count).resume();
    else stream.on("data", count).resume();
    await settled(() => slow.seen.credited === given);
    slow.responses.end([], undefined);
    await settled(() => received >= (given / (MESSAGE + PIECE_OVERHEAD)) * (MESSAGE + 5));
  });

  test("bytes are valid until the sink returns, and not looked at afterwards", async () => {
    const slow = slowHandler();
    await using bench = await openTestDoor({ handler: slow.handler });
    await using http2 = openHttp2(bench.url);
    const answer = askHttp2(http2.session, { ":path": CHAT, "content-type": "application/connect+proto" });
    await settled(() => slow.seen.ended);
    const shared = Buffer.from("abc");
    for (const more of [true, false])
      slow.responses.message({ form: "bytes", bytes: shared, more, gzip: false });
    shared.fill("x");
    slow.responses.end([], undefined);
    expect((await answer).body.subarray(0, 11).toString("latin1")).toBe("\0\0\0\0\u0006abcabc");
  });
});
