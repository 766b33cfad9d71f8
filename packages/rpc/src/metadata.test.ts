import { expect, test } from "vitest";
import { checkMetadata, MAX_METADATA_BYTES, toHeaders, toMetadata } from "./metadata.js";

test.each([
  ["an object", { "X-One": "1", two: "2" }],
  ["pairs", [["X-One", "1"] as [string, string], ["two", "2"] as [string, string]]],
  ["Headers", new Headers({ "X-One": "1", two: "2" })],
])("reads %s", (_, fields) => {
  expect([...toMetadata(fields, "caller")].sort()).toEqual([
    ["two", "2"],
    ["x-one", "1"],
  ]);
});

test("keeps fields of one name apart", () => {
  const metadata = toMetadata(
    [
      ["a", "1"],
      ["a", "2"],
    ],
    "caller",
  );
  expect(metadata).toEqual([
    ["a", "1"],
    ["a", "2"],
  ]);
  expect(toHeaders(metadata).get("a")).toBe("1, 2");
});

test.each(["", "a b", "ä", "a:b", "a\n", "A"])("refuses the name %j", (name) => {
  expect(checkMetadata([[name, "x"]], "caller")).toMatchObject({
    code: 3,
    message: `Metadata names are lower-case HTTP tokens; ${JSON.stringify(name)} is not one.`,
    info: { reason: "METADATA_INVALID", fault: "caller" },
  });
});

test.each(["a\nb", "a\rb", "a\0b", "\x7f", "ü", "\t"])("refuses the value %j without showing it", (value) => {
  const failure = checkMetadata([["key", `secret${value}`]], "plugin");
  expect(failure).toMatchObject({
    message:
      'Metadata values are printable ASCII; the value of "key" is not. Send other data base64-encoded, under a name that ends in -bin.',
    info: { reason: "METADATA_INVALID", fault: "plugin" },
  });
  expect(() => toMetadata({ key: value }, "caller")).toThrow(
    "[invalid_argument] Metadata values are printable",
  );
});

test("refuses more than 16 KiB", () => {
  const value = "x".repeat(MAX_METADATA_BYTES - 1);
  expect(checkMetadata([["k", value]], "caller")).toBeUndefined();
  expect(checkMetadata([["key", value]], "caller")).toMatchObject({
    message: "Metadata may have 16384 bytes; this has 16386. Send data of that size in a message.",
    info: { reason: "METADATA_TOO_LARGE", fault: "caller" },
  });
});
