import type { Metadata } from "@connect-plugin/protocol";
import { createFailure } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { createScriptedProvider, makeCall } from "./fixtures/call-script.js";
import { createTestRouter, need } from "./fixtures/test-router.js";
import { createMetadataFilter } from "./reserved-metadata.js";

/** What must not cross, in every spelling. */
const reserved: Metadata = [
  ["authorization", "Bearer secret"],
  ["Authorization", "Bearer secret"],
  ["AUTHORIZATION ", "Bearer secret"],
  ["proxy-authorization", "Basic secret"],
  ["cookie", "a=b"],
  ["set-cookie", "a=b"],
  ["x-api-key", "secret"],
  ["x-plugin-runtime-id", "kv-1"],
  ["X-Plugin-Runtime-ID", "kv-1"],
  ["x_plugin_runtime_id", "kv-1"],
  ["x-plugin-caller-bin", "AAAA"],
  ["x-forwarded-for", "127.0.0.1"],
  ["forwarded", "for=127.0.0.1"],
  ["x-real-ip", "127.0.0.1"],
  [":path", "/admin"],
  [":authority", "admin"],
  ["host", "admin"],
  ["connection", "keep-alive"],
  ["keep-alive", "timeout=5"],
  ["te", "trailers"],
  ["trailer", "x"],
  ["transfer-encoding", "chunked"],
  ["upgrade", "h2c"],
  ["content-length", "0"],
  ["content-type", "text/html"],
  ["content-encoding", "br"],
  ["accept-encoding", "br"],
  ["connect-timeout-ms", "1"],
  ["connect-protocol-version", "1"],
  ["grpc-timeout", "1S"],
  ["grpc-status", "0"],
  ["grpc-encoding", "gzip"],
  ["trailer-x", "1"],
];

const passing: Metadata = [
  ["traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
  ["tracestate", "a=b"],
  ["baggage", "user=1"],
  ["x-tenant", "7"],
  ["x-data-bin", "AAEC"],
  ["hostname", "not reserved"],
];

describe("f-5-3: reserved metadata never crosses the router", () => {
  test("to the provider", () => {
    const world = createTestRouter();
    const { provider } = world.provide();
    makeCall(world.caller("api", need()), { header: [...reserved, ...passing] });
    expect(provider.last().head.header).toEqual(passing);
  });

  test("nor back, in header, trailer or the metadata of an error", () => {
    const world = createTestRouter();
    const { provider } = world.provide();
    const shown = passing.map(([name, value]) => `${name}=${value}`).join(" ");
    const call = makeCall(world.caller("api", need()));
    provider.last().responses.header([...passing, ...reserved]);
    provider.last().responses.end([...reserved, ...passing], undefined);
    expect(call.seen).toEqual([`header ${shown}`, `end ${shown}`]);

    const failing = makeCall(world.caller("api", need()));
    const failure = { ...createFailure("HANDLER_FAILED", "broken"), metadata: [...reserved, ...passing] };
    provider.last().responses.end([], failure);
    expect(failing.failure()?.metadata).toEqual(passing);
  });
});

describe("metadata that is none", () => {
  test("of a caller is refused", () => {
    const world = createTestRouter();
    const { provider } = world.provide();
    const api = world.caller("api", need());
    const cases: readonly (readonly [Metadata, string, string])[] = [
      [[["x tenant", "1"]], "METADATA_INVALID", "a metadata name must be"],
      [[["X-Tenant", "1"]], "METADATA_INVALID", "a metadata name must be"],
      [
        [["x-tenant", "1\r\nauthorization: x"]],
        "METADATA_INVALID",
        'the value of "x-tenant" must be printable ASCII',
      ],
      [[["x-data-bin", "not base64!"]], "METADATA_INVALID", 'the value of "x-data-bin" must be base64'],
      [
        [["x-large", "1".repeat(16_384)]],
        "METADATA_TOO_LARGE",
        "the metadata of a call may have 16384 bytes, but this has 16391",
      ],
    ];
    for (const [header, reason, message] of cases) {
      const failure = makeCall(api, { header }).failure();
      expect(failure?.info?.reason).toBe(reason);
      expect(failure?.message).toContain(message);
    }
    expect(provider.calls).toEqual([]);
  });

  test("of a provider ends the call, and the provider hears of it", () => {
    const world = createTestRouter();
    const { provider } = world.provide();
    const api = world.caller("api", need());
    const early = makeCall(api);
    provider.last().responses.header([["x-bad", "\n"]]);
    expect(early.failure()).toMatchObject({
      code: 13,
      info: { reason: "RESPONSE_INVALID", fault: "plugin", facts: { plugin: "kv", instanceId: "kv-1" } },
    });
    expect(early.failure()?.message).toBe(
      'the metadata of plugin "kv" cannot be passed on: the value of "x-bad" must be printable ASCII (binary goes into names ending in -bin), but is not',
    );
    expect(provider.last().seen).toEqual(["cancel RESPONSE_INVALID"]);

    const late = makeCall(api);
    provider.last().responses.end([["x-bad", "\n"]], undefined);
    expect(late.failure()?.info?.reason).toBe("RESPONSE_INVALID");

    const failing = makeCall(api);
    provider
      .last()
      .responses.end([], { ...createFailure("HANDLER_FAILED", "broken"), metadata: [["x-bad", "\n"]] });
    expect(failing.failure()).toMatchObject({ message: "broken", metadata: [] });
    expect(world.router.size).toBe(0);
  });

  test("in the header of a provider that answers at once", () => {
    const world = createTestRouter();
    const provider = createScriptedProvider(({ responses }) => responses.header([["x-bad", "\n"]]));
    world.provide({ provider });
    expect(makeCall(world.caller("api", need())).failure()?.info?.reason).toBe("RESPONSE_INVALID");
    expect(provider.last().seen).toEqual(["cancel RESPONSE_INVALID"]);
  });
});

describe("createMetadataFilter", () => {
  test("gives back what it was given where there is nothing to take out", () => {
    const clean = createMetadataFilter(1_000).clean(passing);
    expect(clean.kind === "clean" && clean.metadata).toBe(passing);
  });

  test("stays right however many names it has seen", () => {
    const filter = createMetadataFilter(1_000);
    for (let index = 0; index < 5_000; index++) {
      expect(filter.clean([[`x-${index}`, "1"]]).kind).toBe("clean");
    }
    expect(filter.clean(reserved)).toEqual({ kind: "clean", metadata: [] });
  });
});
