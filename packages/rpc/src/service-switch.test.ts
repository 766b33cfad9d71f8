import { createFailure } from "@connect-plugin/protocol";
import { expect, test } from "vitest";
import { echoHead, recordCall } from "./fixtures/recorded-call.js";
import { createServiceSwitch, refuseCalls } from "./service-switch.js";

const first = createFailure("PROVIDER_STARTING", "first");
const second = createFailure("PROVIDER_STARTING", "second");

test("each service has its handler", () => {
  const calls = createServiceSwitch(
    new Map([
      ["a.A", refuseCalls(() => first)],
      ["b.B", refuseCalls(() => second)],
    ]),
  );
  expect(recordCall(calls, echoHead("Say", { service: "a.A" })).events).toEqual([
    { end: first, trailer: [] },
  ]);
  expect(recordCall(calls, echoHead("Say", { service: "b.B" })).events).toEqual([
    { end: second, trailer: [] },
  ]);
  expect(recordCall(calls, echoHead("Say", { service: "c.C" })).events).toMatchObject([
    { end: { code: 12, message: "Service c.C is not offered here.", info: { reason: "UNKNOWN_METHOD" } } },
  ]);
});

test("the table may change, and the rest may go elsewhere", () => {
  const handlers = new Map();
  const calls = createServiceSwitch(
    handlers,
    refuseCalls((head) => createFailure("NO_PROVIDER", head.method)),
  );
  expect(recordCall(calls, echoHead("Say")).events).toMatchObject([{ end: { message: "Say" } }]);
  handlers.set(
    "test.v1.EchoService",
    refuseCalls(() => first),
  );
  const { requests, events } = recordCall(calls, echoHead("Say"));
  requests.end();
  requests.cancel(second);
  expect(events).toEqual([{ end: first, trailer: [] }]);
});
