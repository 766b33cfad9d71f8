import { create } from "@bufbuild/protobuf";
import { StringValueSchema } from "@bufbuild/protobuf/wkt";
import { createFailure } from "@connect-plugin/protocol";
import { expect, test, vi } from "vitest";
import { EchoService, echo } from "./fixtures/echo-service.js";
import { echoHead, recordCall } from "./fixtures/recorded-call.js";
import { type CallOutcome, observeCalls } from "./observation.js";
import { createServiceClient } from "./service-client.js";
import { createServiceEnd } from "./service-end.js";

test("calls are seen from start to end, once, and headers are added", async () => {
  const seen: unknown[] = [];
  const end = createServiceEnd({
    services: [
      {
        desc: EchoService,
        implementation: {
          ...echo,
          say: ((request, call) => {
            seen.push(call.requestHeader.get("traceparent"), call.requestHeader.get("x"));
            return request;
          }) as (typeof echo)["say"],
        },
      },
    ],
  });
  const calls = observeCalls(end, (head) => {
    if (head.method === "Sum") return undefined;
    seen.push(head.method);
    return {
      header: [["traceparent", "00-1"]],
      end: ({ failure }: CallOutcome) => seen.push(failure?.code ?? "well"),
    };
  });
  const client = createServiceClient(EchoService, calls);
  await client.say({}, { headers: { x: "1" } });
  for await (const _ of client.count({ value: 3 })) break;
  await expect(client.blob({}, { headers: { x: "1" }, signal: AbortSignal.abort() })).rejects.toThrow(
    "cancelled",
  );
  expect(await client.sum((async function* () {})())).toMatchObject({ value: 0 });
  expect(seen).toEqual(["Say", "00-1", "1", "well", "Count", 1]);
});

test("a late end after a cancellation is not told", () => {
  const outcome = vi.fn();
  let finish = () => {};
  const calls = observeCalls(
    {
      start(_, responses) {
        finish = () => responses.end([], undefined);
        return { message: vi.fn(), end: vi.fn(), cancel: vi.fn(), credit: vi.fn() };
      },
    },
    () => ({ end: outcome }),
  );
  const gone = createFailure("CANCELLED", "Gone.");
  const { requests } = recordCall(calls, echoHead("Say"));
  requests.message({ form: "message", desc: StringValueSchema, message: create(StringValueSchema) }, true);
  requests.cancel(gone);
  finish();
  expect(outcome).toHaveBeenCalledExactlyOnceWith({ failure: gone });
});
