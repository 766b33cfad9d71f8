import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createRuntimeId,
  endpointPathProblem,
  headerNameProblem,
  headerValueProblem,
  keyProblem,
  metadataKeyProblem,
  metadataValueProblem,
  methodNameProblem,
  NAME_LIMITS,
  packageNameProblem,
  pluginNameProblem,
  runtimeIdProblem,
  selfIdProblem,
  serviceNameProblem,
  serviceTypeProblem,
} from "./names.js";
import { utf8Length } from "./utf8.js";

const grammars = {
  "plugin name": {
    problem: pluginNameProblem,
    good: ["kv", "url-shortener", "a1", "a-1-b", "x".repeat(64)],
    bad: ["", "Kv", "1kv", "kv-", "-kv", "k--v", "k_v", "k.v", "k v", "kv\n", "ké", "x".repeat(65)],
  },
  "service name": {
    problem: serviceNameProblem,
    good: ["kv.v1.KVService", "Kv", "_a._b", "x".repeat(256)],
    bad: ["", ".kv", "kv.", "kv..v1", "kv/v1", "1kv", "kv.1", "kv-v1.S", "kv.v1.S\u0000", "x".repeat(257)],
  },
  "method name": {
    problem: methodNameProblem,
    good: ["Get", "get_all", "_x", "x".repeat(128)],
    bad: ["", "kv.Get", "Get/", "1", "Get ", "x".repeat(129)],
  },
  key: {
    problem: keyProblem,
    good: ["kv", "$a", "_b", "camelCase1", "x".repeat(64)],
    bad: ["", "1a", "a-b", "a.b", "a b", "é", "x".repeat(65)],
  },
  "package name": {
    problem: packageNameProblem,
    good: ["kv-store", "Kv_1.2", "x".repeat(128)],
    bad: ["", "@acme/kv", "1kv", "kv store", "x".repeat(129)],
  },
  self_id: {
    problem: selfIdProblem,
    good: ["kv-plugin", "Kv_1.2", "a..b", "x".repeat(256)],
    bad: ["", "1kv", "-kv", "kv plugin", "kv/plugin", "kv\u001b[2J", "x".repeat(257)],
  },
  service_type: {
    problem: serviceTypeProblem,
    good: ["kv", "logger.v1", "x".repeat(128)],
    bad: ["", "a..b", "a/b", "a\\b", "a\u0000", "x".repeat(129)],
  },
  "metadata key": {
    problem: metadataKeyProblem,
    good: ["base_url", "client_version", "x".repeat(256)],
    bad: ["", "a b", "a\nb", "1", "x".repeat(257)],
  },
  "metadata value": {
    problem: metadataValueProblem,
    good: ["", "http://localhost:8081", "ünïcode", "x".repeat(4_096)],
    bad: ["a\nb", "\u0000", "\u001b[31m", "\u0085", "\u007f", "x".repeat(4_097)],
  },
  "runtime id": {
    problem: runtimeIdProblem,
    good: ["kv-0a1b2c3d", "-", "x".repeat(128)],
    bad: ["", "KV-0a", "kv/0a", "kv_0a", "kv 0a", "kv%2f", "x".repeat(129)],
  },
  endpoint_path: {
    problem: endpointPathProblem,
    good: [
      "/",
      "/kv.v1.KVService/",
      "/kv.v1.KVService",
      "/api/v1/kv.v1.KVService/",
      "/a...b/",
      "/~x:@!$&'()*+,;=",
    ],
    bad: [
      "",
      "kv.v1.KVService/",
      "//",
      "/a//b",
      "/./a",
      "/a/.",
      "/../a",
      "/a/../b",
      "/a/..",
      "/%2e%2e/a",
      "/a%2fb",
      "/a%2Fb",
      "/a%252fb",
      "/a?b",
      "/a#b",
      "/a\\b",
      "/a b",
      "/a\u0000",
      "/a\r\nX: y",
      "/a\u007f",
      "/ä",
      `/${"x".repeat(256)}`,
    ],
  },
  "metadata name": {
    problem: headerNameProblem,
    good: ["x-request-id", "trace.id", "a_b", "0", "data-bin"],
    bad: ["", "X-Request-Id", "a b", "a:b", ":path", "a\r", "é", "x".repeat(257)],
  },
} as const;

describe.each(Object.entries(grammars))("a %s", (_, { problem, good, bad }) => {
  test.each(good)("may be %j", (name) => {
    expect(problem(name)).toBeUndefined();
  });

  test.each(bad)("may not be %j, and the message is one clean line", (name) => {
    const message = problem(name);
    expect(message).toMatch(/^\S.+, but (is|has) .+|must not be empty$/);
    expect(message).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
  });

  test("any text gets an answer, never a raw control character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (name) => {
        expect(problem(name) ?? "").not.toMatch(/[\p{Cc}\u2028\u2029\u202e]/u);
      }),
    );
  });
});

test("a message says what was wanted and what was found", () => {
  expect(pluginNameProblem("Kv Store")).toBe(
    'a plugin name must be lower-case letters and digits with single hyphens between them, beginning with a letter, but is "Kv Store"',
  );
  expect(serviceNameProblem("kv/v1")).toBe(
    'a service name must be a Protobuf name such as kv.v1.KvService, but is "kv/v1"',
  );
  expect(endpointPathProblem("/a/../b")).toBe(
    'endpoint_path must not have empty, "." or ".." segments, but is "/a/../b"',
  );
  expect(methodNameProblem("é".repeat(65))).toBe("a method name must be at most 128 bytes long, but has 130");
});

describe("f-2-3 an endpoint_path", () => {
  test("means the same to whoever joins, decodes or normalises it", () => {
    const piece = fc.constantFrom(
      "/",
      "..",
      ".",
      "%2e",
      "%2f",
      "%5c",
      "\\",
      "?",
      "#",
      "a",
      "b.v1.S",
      " ",
      "\u0000",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = `/${pieces.join("")}`;
        fc.pre(endpointPathProblem(path) === undefined);
        expect(decodeURIComponent(path)).toBe(path);
        expect(new URL(`http://host${path}`).pathname).toBe(path);
      }),
      { numRuns: 500 },
    );
  });
});

describe("f-2-2 a runtime id", () => {
  const suffix = fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: 8, maxLength: 64 })
    .map((digits) => digits.join(""));

  test("is always of lower-case letters, digits and hyphens and ends with its suffix", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), suffix, (name, random) => {
        const id = createRuntimeId(name, random);
        expect(runtimeIdProblem(id)).toBeUndefined();
        expect(id.endsWith(`-${random}`)).toBe(true);
        expect(id).not.toMatch(/^-/);
      }),
    );
  });

  test("keeps what can be read of the name", () => {
    expect(createRuntimeId("kv-plugin", "0a1b2c3d")).toBe("kv-plugin-0a1b2c3d");
    expect(createRuntimeId("Kv Store_2.0", "0a1b2c3d")).toBe("kv-store-2-0-0a1b2c3d");
    expect(createRuntimeId("日本", "0a1b2c3d")).toBe("plugin-0a1b2c3d");
    expect(createRuntimeId("", "0a1b2c3d")).toBe("plugin-0a1b2c3d");
  });

  test.each(["", "0a1b2c3", "0A1B2C3D", "0a1b2c3g", "0a1b 2c3d", "0".repeat(65)])(
    "refuses the suffix %j",
    (random) => {
      expect(() => createRuntimeId("kv", random)).toThrow(
        new RangeError(`suffix must be 8 to 64 lower-case hexadecimal digits, but is "${random}"`),
      );
    },
  );
});

describe("a metadata value of a call", () => {
  test.each(["", "plain", "a, b; c=d", "~"])("may be %j", (value) => {
    expect(headerValueProblem("x", value)).toBeUndefined();
  });

  test.each(["a\nb", "ü", " a", "a ", "\u0000", "a\r\nx: y"])("may not be %j", (value) => {
    expect(headerValueProblem("x", value)).toMatch(/^the value of "x" must [^\n]+, but (?:is not|does)$/);
  });

  test("is not shown where it is wrong: it may be a secret", () => {
    for (const name of ["x", "x-bin"]) {
      for (const value of ["s3cret\n", " s3cret", "s3cret==", "s3crét"]) {
        expect(headerValueProblem(name, value) ?? "").not.toContain("s3cr");
      }
    }
  });

  test.each(["", "AA", "AAA", "AAAA", "+/+/"])("may be %j in a binary one", (value) => {
    expect(headerValueProblem("x-bin", value)).toBeUndefined();
  });

  test.each(["A", "AAAAA", "AA==", "A A", "-_-_"])("may not be %j in a binary one", (value) => {
    expect(headerValueProblem("x-bin", value)).toBe(
      'the value of "x-bin" must be base64 without padding, but is not',
    );
  });
});

test("lengths are bytes of UTF-8", () => {
  expect(utf8Length("é")).toBe(2);
  expect(utf8Length("😀")).toBe(4);
  expect(metadataValueProblem("é".repeat(NAME_LIMITS.metadataValue / 2))).toBeUndefined();
  expect(metadataValueProblem(`${"é".repeat(NAME_LIMITS.metadataValue / 2)}x`)).toBe(
    "a metadata value must be at most 4096 bytes long, but has 4097",
  );
});
