import { create } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { createFailure, type Piece } from "@connect-plugin/protocol";
import { Code } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { echoHead, recordCall } from "./fixtures/recorded-call.js";
import { createInProcessConnection } from "./in-process.js";
import { createServiceClient } from "./service-client.js";
import { createServiceEnd } from "./service-end.js";

const stopped = createFailure("PROVIDER_STOPPED", "The plugin was stopped.");
const hello: Piece = {
  form: "message",
  desc: StringValueSchema,
  message: create(StringValueSchema, { value: "hello" }),
};

function connect(implementation: object = echo) {
  const end = createServiceEnd({ services: [{ desc: EchoService, implementation }] });
  const connection = createInProcessConnection(end);
  return { end, connection, client: createServiceClient(EchoService, connection) };
}

test("closing ends calls in flight on both sides", async () => {
  let signal: AbortSignal | undefined;
  const { end, connection, client } = connect({
    ...echo,
    async *count(_: unknown, call: { signal: AbortSignal }) {
      signal = call.signal;
      yield { value: 1 };
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    },
  });
  const messages = client.count({})[Symbol.asyncIterator]();
  await messages.next();
  const next = messages.next();
  connection.close(stopped);
  await expect(next).rejects.toMatchObject({ code: Code.Unavailable, rawMessage: "The plugin was stopped." });
  expect(signal?.reason).toMatchObject({ rawMessage: "The plugin was stopped." });
  await end.idle();
  expect(await connection.closed).toEqual({ how: "closed", failure: stopped });
});

test("it closes once, for the first reason", async () => {
  const { connection } = connect();
  connection.close(stopped);
  connection.close(createFailure("HOST_STOPPING", "Later."));
  expect(await connection.closed).toEqual({ how: "closed", failure: stopped });
});

test("calls after the end fail, and it is known that they were not delivered", () => {
  const { end, connection } = connect();
  connection.close(stopped);
  const { requests, events } = recordCall(connection, echoHead("Say"));
  requests.message(hello, true);
  expect(events).toEqual([{ end: { ...stopped, notDelivered: true }, trailer: [] }]);
  expect(end.active).toBe(0);
});

test("nothing passes after the end of a call, from either side", () => {
  const callee = { message: vi.fn(), end: vi.fn(), cancel: vi.fn(), credit: vi.fn() };
  let late: (() => void) | undefined;
  const connection = createInProcessConnection({
    start(_, responses) {
      late = () => {
        responses.header([]);
        responses.message(hello);
        responses.credit(1);
        responses.end([], undefined);
      };
      return callee;
    },
  });
  const cancelled = recordCall(connection, echoHead("Say"));
  cancelled.requests.cancel(stopped);
  cancelled.requests.cancel(stopped);
  late?.();
  cancelled.requests.message(hello, true);
  cancelled.requests.end();
  cancelled.requests.credit(1);
  expect(cancelled.events).toEqual([]);
  expect(callee.cancel).toHaveBeenCalledExactlyOnceWith(stopped);
  const answered = recordCall(connection, echoHead("Say"));
  late?.();
  late?.();
  answered.requests.message(hello, true);
  answered.requests.cancel(stopped);
  expect(answered.events).toHaveLength(3);
  expect(answered.credit).toEqual([1]);
  expect(callee.message).not.toHaveBeenCalled();
  expect(callee.cancel).toHaveBeenCalledOnce();
});

test("a connection that is closed while a call begins ends it too", () => {
  const cancel = vi.fn();
  const connection = createInProcessConnection({
    start() {
      connection.close(stopped);
      return { message: vi.fn(), end: vi.fn(), cancel, credit: vi.fn() };
    },
  });
  const { events } = recordCall(connection, echoHead("Say"));
  expect(events).toEqual([{ end: stopped, trailer: [] }]);
  expect(cancel).toHaveBeenCalledExactlyOnceWith(stopped);
});
