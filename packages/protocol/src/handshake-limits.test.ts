import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import type { CallFailure } from "./failure.js";
import { HandshakeRequestSchema, HandshakeResponseSchema } from "./gen/connectplugin/v1/handshake_pb.js";
import { checkHandshakeRequest, checkHandshakeResponse, HANDSHAKE_LIMITS } from "./handshake-limits.js";

type Request = MessageInitShape<typeof HandshakeRequestSchema>;
type Response = MessageInitShape<typeof HandshakeResponseSchema>;

function list<T>(length: number, element: T): T[] {
  return Array.from({ length }, () => element);
}

function entries(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i.toString(36)}`, ""]));
}

function checkRequest(fields: Request): CallFailure | undefined {
  return checkHandshakeRequest(create(HandshakeRequestSchema, fields));
}

function checkResponse(fields: Response): CallFailure | undefined {
  return checkHandshakeResponse(create(HandshakeResponseSchema, fields));
}

const x = (length: number) => "x".repeat(length);
const long = HANDSHAKE_LIMITS.textBytes;

/** Field, limit, what has exactly so much of it, and the message one beyond. */
const requestLimits: readonly [field: string, limit: number, of: (n: number) => Request, beyond: string][] = [
  ["magic_cookie_key", 256, (n) => ({ magicCookieKey: x(n) }), "at most 256 bytes long, but has 257"],
  ["magic_cookie_value", 256, (n) => ({ magicCookieValue: x(n) }), "at most 256 bytes long, but has 257"],
  [
    "requested_plugins",
    100,
    (n) => ({ requestedPlugins: list(n, "kv") }),
    "at most 100 elements, but has 101",
  ],
  [
    "requested_plugins[0]",
    long,
    (n) => ({ requestedPlugins: [x(n)] }),
    "at most 512 bytes long, but has 513",
  ],
  ["client_metadata", 1_000, (n) => ({ clientMetadata: entries(n) }), "at most 1000 entries, but has 1001"],
  [
    "client_metadata",
    4_095,
    (n) => ({ clientMetadata: { k: x(n) } }),
    "at most 4096 bytes in all, but has 4097",
  ],
  ["self_id", 256, (n) => ({ selfId: x(n) }), "at most 256 bytes long, but has 257"],
  ["self_version", long, (n) => ({ selfVersion: x(n) }), "at most 512 bytes long, but has 513"],
  ["instance_id", long, (n) => ({ instanceId: x(n) }), "at most 512 bytes long, but has 513"],
  [
    "supported_core_versions",
    64,
    (n) => ({ supportedCoreVersions: list(n, 1) }),
    "at most 64 elements, but has 65",
  ],
  [
    "supported_app_versions",
    64,
    (n) => ({ supportedAppVersions: list(n, 1) }),
    "at most 64 elements, but has 65",
  ],
  ["features", 64, (n) => ({ features: list(n, "f") }), "at most 64 elements, but has 65"],
  ["features[0]", long, (n) => ({ features: [x(n)] }), "at most 512 bytes long, but has 513"],
  ["credential_id", long, (n) => ({ credentialId: x(n) }), "at most 512 bytes long, but has 513"],
  ["transcript_mac", 64, (n) => ({ transcriptMac: new Uint8Array(n) }), "at most 64 bytes long, but has 65"],
  ["provides", 256, (n) => ({ provides: list(n, {}) }), "at most 256 elements, but has 257"],
  [
    "provides[0].methods",
    512,
    (n) => ({ provides: [{ methods: list(n, {}) }] }),
    "at most 512 elements, but has 513",
  ],
  ["requires", 256, (n) => ({ requires: list(n, {}) }), "at most 256 elements, but has 257"],
  [
    "requires[0].methods",
    512,
    (n) => ({ requires: [{ methods: list(n, "M") }] }),
    "at most 512 elements, but has 513",
  ],
  ["sdk_name", long, (n) => ({ sdkName: x(n) }), "at most 512 bytes long, but has 513"],
  ["sdk_version", long, (n) => ({ sdkVersion: x(n) }), "at most 512 bytes long, but has 513"],
];

const responseLimits: readonly [field: string, limit: number, of: (n: number) => Response, beyond: string][] =
  [
    ["plugins", 100, (n) => ({ plugins: list(n, {}) }), "at most 100 elements, but has 101"],
    ["server_metadata", 1_000, (n) => ({ serverMetadata: entries(n) }), "at most 1000 entries, but has 1001"],
    [
      "server_metadata",
      4_095,
      (n) => ({ serverMetadata: { k: x(n) } }),
      "at most 4096 bytes in all, but has 4097",
    ],
    [
      "host_capabilities",
      256,
      (n) => ({ hostCapabilities: list(n, {}) }),
      "at most 256 elements, but has 257",
    ],
    ["runtime_id", long, (n) => ({ runtimeId: x(n) }), "at most 512 bytes long, but has 513"],
    ["runtime_token", long, (n) => ({ runtimeToken: x(n) }), "at most 512 bytes long, but has 513"],
    [
      "challenge_response",
      64,
      (n) => ({ challengeResponse: new Uint8Array(n) }),
      "at most 64 bytes long, but has 65",
    ],
    ["features", 64, (n) => ({ features: list(n, "f") }), "at most 64 elements, but has 65"],
    ["host_id", long, (n) => ({ hostId: x(n) }), "at most 512 bytes long, but has 513"],
    [
      "supported_core_versions",
      64,
      (n) => ({ supportedCoreVersions: list(n, 1) }),
      "at most 64 elements, but has 65",
    ],
    [
      "supported_app_versions",
      64,
      (n) => ({ supportedAppVersions: list(n, 1) }),
      "at most 64 elements, but has 65",
    ],
    ["deprecations", 64, (n) => ({ deprecations: list(n, {}) }), "at most 64 elements, but has 65"],
  ];

describe("f-2-1 every field of a handshake is bounded", () => {
  test.each(requestLimits)("request: %s at %i and one beyond", (field, limit, of, beyond) => {
    expect(checkRequest(of(limit))).toBeUndefined();
    expect(checkRequest(of(limit + 1))).toMatchObject({
      code: field === "client_metadata" ? 8 : 3,
      message: expect.stringMatching(
        `in the handshake request, ${literally(field)} must (have|be) ${beyond}`,
      ),
      info: { reason: field === "client_metadata" ? "METADATA_TOO_LARGE" : "HANDSHAKE_INVALID" },
    });
  });

  test.each(responseLimits)("response: %s at %i and one beyond", (field, limit, of, beyond) => {
    expect(checkResponse(of(limit))).toBeUndefined();
    expect(checkResponse(of(limit + 1))).toMatchObject({
      message: expect.stringMatching(
        `in the handshake response, ${literally(field)} must (have|be) ${beyond}`,
      ),
      info: { fault: "host" },
    });
  });

  test.each([
    ["absent", 0, true],
    ["too short", 15, false],
    ["shortest", 16, true],
    ["longest", 64, true],
    ["too long", 65, false],
  ])("a nonce that is %s (%i bytes): %s", (_, size, fine) => {
    const message = `client_nonce must be absent or 16 to 64 bytes long, but has ${size}`;
    const failure = checkRequest({ clientNonce: new Uint8Array(size) });
    expect(failure?.message).toBe(fine ? undefined : `in the handshake request, ${message}`);
    expect(checkResponse({ serverNonce: new Uint8Array(size) }) === undefined).toBe(fine);
  });

  test("all of it is configurable", () => {
    const request = create(HandshakeRequestSchema, { features: ["a", "b"] });
    expect(checkHandshakeRequest(request, { ...HANDSHAKE_LIMITS, features: 1 })?.message).toBe(
      "in the handshake request, features must have at most 1 elements, but has 2",
    );
    const cookie = create(HandshakeRequestSchema, { magicCookieValue: x(300) });
    expect(checkHandshakeRequest(cookie, { ...HANDSHAKE_LIMITS, cookieBytes: 300 })).toBeUndefined();
  });

  test("no field was forgotten", () => {
    const checked = new Set(requestLimits.map(([field]) => field.replace(/[[.].*/, "")));
    const bounded = HandshakeRequestSchema.fields.filter(
      (field) => field.scalar === undefined || isLong(field.name),
    );
    const unbounded = bounded.map((field) => field.name).filter((name) => !checked.has(name));
    // An enum is a number, and the nonce has a test of its own.
    expect(unbounded).toEqual(["client_nonce", "instances"]);
  });
});

describe("f-7-1 what stands in a handshake's metadata", () => {
  test("has keys of a grammar and values without control characters", () => {
    expect(checkRequest({ clientMetadata: { "a b": "" } })).toMatchObject({
      code: 3,
      message:
        'in the handshake request, client_metadata: a metadata key must be letters, digits, "_", "." and "-", beginning with a letter, but is "a b"',
      info: { reason: "METADATA_INVALID", fault: "plugin" },
    });
    expect(checkResponse({ serverMetadata: { a: "b\nc" } })).toMatchObject({
      message:
        'in the handshake response, server_metadata: a metadata value must not contain control characters, but is "b\\nc"',
      info: { reason: "METADATA_INVALID", fault: "host" },
    });
  });
});

test("a self_id has a grammar", () => {
  expect(checkRequest({ selfId: "a/b\n" })).toMatchObject({
    code: 3,
    message:
      'in the handshake request, self_id must be letters, digits, "_", "." and "-", beginning with a letter, but is "a/b\\n"',
    info: { reason: "PLUGIN_NAME_INVALID", fault: "plugin" },
  });
});

function isLong(name: string): boolean {
  return !name.endsWith("_protocol_version");
}

function literally(text: string): string {
  return text.replace(/[[\].]/g, "\\$&");
}
