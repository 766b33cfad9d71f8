import { describe, expect, test } from "vitest";
import { fullManifest, plainManifest } from "./fixtures/manifests.js";
import { checkManifest, MANIFEST_LIMITS } from "./manifest-check.js";
import { NAME_LIMITS } from "./names.js";

function problemsOf(value: unknown): readonly string[] {
  const check = checkManifest(value);
  return check.ok ? [] : check.problems;
}

const offered = { key: "kv", service: "kv.v1.KvService", version: "1.0.0", methods: [] };
const required = { key: "kv", service: "kv.v1.KvService", range: "^1", arity: "one", methods: [] };
const method = { name: "Get", kind: "unary", idempotency: "unknown" };

describe("a manifest that is one", () => {
  test.each([fullManifest, plainManifest])("$name comes out as a copy", (manifest) => {
    const check = checkManifest(manifest);
    expect(check).toEqual({ ok: true, manifest });
    expect(check.ok && check.manifest).not.toBe(manifest);
  });

  test("keeps nothing that was not checked", () => {
    const newer = { ...plainManifest, later: 1, provides: [{ ...offered, weight: 3 }] };
    expect(checkManifest(newer)).toEqual({ ok: true, manifest: { ...plainManifest, provides: [offered] } });
  });

  test("may require one service in two ways", () => {
    const requires = [required, { ...required, key: "all", arity: "each" }];
    expect(problemsOf({ ...plainManifest, requires })).toEqual([]);
  });
});

describe("a manifest that is none", () => {
  test.each<[unknown, string]>([
    [undefined, "manifest must be an object, but is undefined"],
    [[], "manifest must be an object, but is an array of 0"],
    [{ ...plainManifest, name: "" }, "name: a package name must not be empty"],
    [{ ...plainManifest, name: 1 }, "name must be a text, but is the number 1"],
    [{ ...plainManifest, version: "1" }, 'version: must be a semantic version such as 1.2.0, but is "1"'],
    [{ ...plainManifest, provides: {} }, "provides must be an array, but is an object without keys"],
    [{ ...plainManifest, provides: [null] }, "provides[0] must be an object, but is null"],
    [
      { ...plainManifest, provides: [offered, { ...offered, service: "x.v1.X" }] },
      'provides[1].key is "kv", which is there already',
    ],
    [
      { ...plainManifest, provides: [{ ...offered, key: "a-b" }] },
      'provides[0].key: a key must be ASCII letters, digits, _ and $, not beginning with a digit, but is "a-b"',
    ],
    [
      { ...plainManifest, provides: [{ ...offered, service: "kv/v1" }] },
      'provides[0].service: a service name must be a Protobuf name such as kv.v1.KvService, but is "kv/v1"',
    ],
    [
      { ...plainManifest, provides: [{ ...offered, version: "v1" }] },
      'provides[0].version: must be a semantic version such as 1.2.0, but is "v1"',
    ],
    [
      { ...plainManifest, provides: [{ ...offered, methods: [method, method] }] },
      'provides[0].methods[1].name is "Get", which is there already',
    ],
    [
      { ...plainManifest, provides: [{ ...offered, methods: [{ ...method, kind: "stream" }] }] },
      'provides[0].methods[0].kind must be one of unary, server_streaming, client_streaming, bidi_streaming, but is the text "stream"',
    ],
    [
      { ...plainManifest, provides: [{ ...offered, methods: [{ ...method, idempotency: 7 }] }] },
      "provides[0].methods[0].idempotency must be one of unknown, no_side_effects, idempotent, but is the number 7",
    ],
    [{ ...plainManifest, requires: [required, required] }, 'requires[1].key is "kv", which is there already'],
    [
      { ...plainManifest, requires: [{ ...required, range: "latest" }] },
      'requires[0].range: must be a semver range such as ^1.2.0, but is "latest"',
    ],
    [
      { ...plainManifest, requires: [{ ...required, arity: "many" }] },
      'requires[0].arity must be one of one, optional, each, capability, but is the text "many"',
    ],
    [
      { ...plainManifest, requires: [{ ...required, methods: ["a.b"] }] },
      'requires[0].methods[0]: a method name must be a Protobuf name such as Get, but is "a.b"',
    ],
    [{ ...plainManifest, instances: "two" }, 'instances must be one of many, one, but is the text "two"'],
    [{ ...plainManifest, sdk: undefined }, "sdk must be an object, but is undefined"],
  ])("%# is told by its path", (value, problem) => {
    expect(problemsOf(value)).toContain(problem);
  });

  test("is one failure with all that is wrong in it", () => {
    const check = checkManifest({ ...plainManifest, version: "x", instances: "two" });
    expect(check).toMatchObject({
      ok: false,
      failure: {
        code: 3,
        message:
          'the manifest is not valid: version: must be a semantic version such as 1.2.0, but is "x"; instances must be one of many, one, but is the text "two"',
        info: { reason: "HANDSHAKE_INVALID", fault: "plugin" },
      },
    });
  });

  test("has a message of bounded length", () => {
    const check = checkManifest({ ...plainManifest, provides: Array.from({ length: 200 }, () => 1) });
    expect(check.ok ? "" : check.failure.message).toMatch(/; and \d+ more$/);
    expect(check.ok ? "" : check.failure.message.length).toBeLessThan(1_000);
  });

  test("never shows a control character", () => {
    const check = checkManifest({ ...plainManifest, name: "\u001b[2J", version: "\n", sdk: "\r" });
    expect(check.ok ? "" : check.failure.message).not.toMatch(/\p{Cc}/u);
  });
});

describe("f-2-1 everything in a manifest is bounded", () => {
  const services = (count: number, one: object) =>
    Array.from({ length: count }, (_, i) => ({ ...one, key: `k${i}`, service: `s.v1.S${i}` }));
  const methods = (count: number) => Array.from({ length: count }, (_, i) => ({ ...method, name: `M${i}` }));

  test.each<[string, number, (count: number) => object, string]>([
    [
      "name",
      NAME_LIMITS.packageName,
      (n) => ({ name: "x".repeat(n) }),
      "name: a package name must be at most 128 bytes long, but has 129",
    ],
    [
      "sdk.name",
      MANIFEST_LIMITS.sdk,
      (n) => ({ sdk: { name: "x".repeat(n), version: "" } }),
      "sdk.name: must be at most 128 bytes long, but has 129",
    ],
    [
      "sdk.version",
      MANIFEST_LIMITS.sdk,
      (n) => ({ sdk: { name: "", version: "x".repeat(n) } }),
      "sdk.version: must be at most 128 bytes long, but has 129",
    ],
    [
      "provides",
      MANIFEST_LIMITS.services,
      (n) => ({ provides: services(n, offered) }),
      "provides must have at most 256 elements, but has 257",
    ],
    [
      "requires",
      MANIFEST_LIMITS.services,
      (n) => ({ requires: services(n, required) }),
      "requires must have at most 256 elements, but has 257",
    ],
    [
      "methods",
      MANIFEST_LIMITS.methods,
      (n) => ({ provides: [{ ...offered, methods: methods(n) }] }),
      "provides[0].methods must have at most 512 elements, but has 513",
    ],
    [
      "required methods",
      MANIFEST_LIMITS.methods,
      (n) => ({ requires: [{ ...required, methods: methods(n).map(({ name }) => name) }] }),
      "requires[0].methods must have at most 512 elements, but has 513",
    ],
  ])("%s at %i and one beyond", (_, limit, of, problem) => {
    expect(problemsOf({ ...plainManifest, ...of(limit) })).toEqual([]);
    expect(problemsOf({ ...plainManifest, ...of(limit + 1) })).toContain(problem);
  });
});

test("a service that is provided twice is named with both keys", () => {
  const provides = [offered, { ...offered, key: "again", version: "2.0.0" }];
  expect(checkManifest({ ...plainManifest, provides })).toMatchObject({
    ok: false,
    failure: {
      code: 6,
      message:
        "package plain: the service kv.v1.KvService is provided twice, as kv and as again; a plugin provides a service once, under one key",
      info: {
        reason: "SERVICE_REGISTERED_TWICE",
        fault: "plugin",
        facts: { package: "plain", service: "kv.v1.KvService", keys: "kv, again" },
      },
    },
    problems: ["the service kv.v1.KvService is provided twice, as kv and as again"],
  });
});
