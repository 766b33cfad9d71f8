import { Int32ValueSchema, StringValueSchema } from "@bufbuild/protobuf/wkt";
import {
  type CallFailure,
  Codes,
  createFailure,
  ErrorInfoSchema,
  FAILURE_DOMAIN,
} from "@connect-plugin/protocol";
import { Code, ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { failureError, failureInfo, toConnectError, toFailure } from "./connect-failure.js";

const full: CallFailure = {
  code: Codes.unavailable,
  message: "The plugin kv is restarting. Try again.",
  info: { reason: "PROVIDER_GONE", fault: "plugin", facts: { plugin: "kv" } },
  details: [{ type: "google.protobuf.StringValue", value: new Uint8Array([10, 1, 120]) }],
  metadata: [
    ["zeta", "1"],
    ["alpha", "2"],
    ["zeta", "3"],
  ],
  notDelivered: true,
};

test("a failure survives being thrown and caught", () => {
  expect(toFailure(toConnectError(full))).toEqual(full);
  expect(toFailure(failureError("CANCELLED", "No more."))).toEqual(createFailure("CANCELLED", "No more."));
});

test("users see code, message, details and metadata", () => {
  const error = toConnectError(full);
  expect(error.code).toBe(Code.Unavailable);
  expect(error.message).toBe("[unavailable] The plugin kv is restarting. Try again.");
  expect(error.metadata.get("zeta")).toBe("1, 3");
  expect(error.findDetails(StringValueSchema)).toMatchObject([{ value: "x" }]);
  expect(error.findDetails(ErrorInfoSchema)).toMatchObject([
    { reason: "PROVIDER_GONE", domain: FAILURE_DOMAIN, metadata: { plugin: "kv", fault: "plugin" } },
  ]);
  expect(failureInfo(error)).toEqual(full.info);
});

test("what was changed on the way counts", () => {
  const error = toConnectError(full);
  error.metadata.set("zeta", "9");
  error.details.push({ desc: StringValueSchema, value: { value: "y" } });
  expect(toFailure(error)).toEqual({
    ...full,
    metadata: [
      ["alpha", "2"],
      ["zeta", "9"],
    ],
    details: [...full.details, { type: "google.protobuf.StringValue", value: new Uint8Array([10, 1, 121]) }],
  });
});

test("an error of the application has no reason", () => {
  const error = new ConnectError("no such key", Code.NotFound, { "x-key": "a" }, [
    { desc: StringValueSchema, value: { value: "x" } },
  ]);
  expect(toFailure(error)).toEqual({
    code: Codes.not_found,
    message: "no such key",
    info: undefined,
    details: [{ type: "google.protobuf.StringValue", value: new Uint8Array([10, 1, 120]) }],
    metadata: [["x-key", "a"]],
    notDelivered: false,
  });
  expect(failureInfo(error)).toBeUndefined();
});

test("any other error says nothing of itself", () => {
  const failure = toFailure(new Error("password is hunter2"));
  expect(failure).toMatchObject({
    code: Codes.internal,
    info: { reason: "HANDLER_FAILED", fault: "plugin" },
  });
  expect(JSON.stringify(failure)).not.toContain("hunter2");
  expect(toFailure("text", "START_FAILED")).toMatchObject({ info: { reason: "START_FAILED" } });
  expect(failureInfo(new Error("x"))).toBeUndefined();
});

test("a detail that cannot be encoded is left out", () => {
  const error = new ConnectError("bad", Code.Aborted, undefined, [
    { desc: Int32ValueSchema, value: { value: "x" as unknown as number } },
  ]);
  expect(toFailure(error)).toMatchObject({ message: "bad", details: [] });
});
