import { create, fromBinary, toBinary, type UnknownEnum } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { fullManifest, plainManifest } from "./fixtures/manifests.js";
import {
  Arity,
  HandshakeRequestSchema,
  Idempotency,
  Instances,
  MethodKind,
} from "./gen/connectplugin/v1/handshake_pb.js";
import {
  manifestFromHandshake,
  manifestToHandshake,
  methodKindFromWire,
  methodToWire,
} from "./manifest-wire.js";

describe("a manifest in a handshake", () => {
  test.each([fullManifest, plainManifest])("$name survives the wire", (manifest) => {
    const request = create(HandshakeRequestSchema, manifestToHandshake(manifest));
    const received = fromBinary(HandshakeRequestSchema, toBinary(HandshakeRequestSchema, request));
    expect(manifestFromHandshake(received)).toEqual({ ok: true, manifest });
  });

  test("of a peer in Go says its name and version only", () => {
    const request = create(HandshakeRequestSchema, { selfId: "kv-plugin", selfVersion: "1.0.0" });
    expect(manifestFromHandshake(request)).toEqual({
      ok: true,
      manifest: {
        name: "kv-plugin",
        version: "1.0.0",
        provides: [],
        requires: [],
        instances: "many",
        sdk: { name: "", version: "" },
      },
    });
  });

  test("is checked like any other", () => {
    const request = create(HandshakeRequestSchema, {
      selfId: "kv",
      selfVersion: "1.0.0",
      provides: [{ key: "kv", service: "kv.v1.Kv", version: "1", methods: [{ name: "Get" }] }],
      requires: [{ key: "a", service: "a.v1.A", range: "*" }],
    });
    expect(manifestFromHandshake(request)).toMatchObject({
      ok: false,
      problems: [
        'provides[0].version: must be a semantic version such as 1.2.0, but is "1"',
        "provides[0].methods[0].kind must be one of unary, server_streaming, client_streaming, bidi_streaming, but is the number 0",
        "requires[0].arity must be one of one, optional, each, capability, but is the number 0",
      ],
    });
  });

  test("whose idempotency only a newer peer knows promises nothing", () => {
    const methods = [{ name: "Get", kind: MethodKind.UNARY, idempotency: 9 as UnknownEnum }];
    const request = create(HandshakeRequestSchema, {
      selfId: "kv",
      selfVersion: "1.0.0",
      provides: [{ key: "kv", service: "kv.v1.Kv", version: "1.0.0", methods }],
    });
    const check = manifestFromHandshake(request);
    expect(check.ok && check.manifest.provides[0]?.methods[0]?.idempotency).toBe("unknown");
  });
});

test("the words and the numbers of the wire", () => {
  expect(fullManifest.provides[0]?.methods.map((method) => methodToWire(method).kind)).toEqual([
    1, 1, 2, 3, 4,
  ]);
  expect([0, 1, 2, 3, 4, 5].map((kind) => methodKindFromWire(kind))).toEqual([
    undefined,
    "unary",
    "server_streaming",
    "client_streaming",
    "bidi_streaming",
    undefined,
  ]);
  expect([Arity.CAPABILITY, Idempotency.IDEMPOTENT, Instances.ONE]).toEqual([4, 2, 2]);
});
