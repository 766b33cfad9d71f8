import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeFailureInfo, encodeFailureInfo, joinDetails, splitDetails } from "./error-info.js";
import { createFailure, FAILURE_DOMAIN, type FailureDetail, type FailureInfo } from "./failure.js";
import { ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";
import { allReasons, type Fault } from "./reason.js";

function foreign(reason: string, domain: string, metadata: Record<string, string> = {}): FailureDetail {
  const message = create(ErrorInfoSchema, { reason, domain, metadata });
  return { type: "google.rpc.ErrorInfo", value: toBinary(ErrorInfoSchema, message) };
}

const infos: fc.Arbitrary<FailureInfo> = fc.record({
  reason: fc.constantFrom(...allReasons()),
  fault: fc.constantFrom<Fault>("host", "plugin", "caller", "operator", "application"),
  facts: fc.dictionary(
    fc.stringMatching(/^[a-z]{1,8}$/).filter((key) => key !== "fault"),
    fc.string({ unit: "grapheme" }),
  ),
});

describe("what is ours of a failure", () => {
  test("survives the wire", () => {
    fc.assert(
      fc.property(infos, (info) => {
        const detail = encodeFailureInfo(info);
        expect(detail.type).toBe("google.rpc.ErrorInfo");
        expect(decodeFailureInfo(detail)).toEqual({ ...info, facts: { ...info.facts } });
      }),
    );
  });

  test("is a google.rpc.ErrorInfo of our domain with the fault among its metadata", () => {
    const { info } = createFailure("NO_PROVIDER", "nobody", { facts: { service: "kv.v1.KvService" } });
    expect(encodeFailureInfo(info as FailureInfo)).toEqual(
      foreign("NO_PROVIDER", FAILURE_DOMAIN, { service: "kv.v1.KvService", fault: "operator" }),
    );
  });

  test("has the usual fault of its reason where the peer names none that we know", () => {
    for (const metadata of [{}, { fault: "nobody" }]) {
      expect(decodeFailureInfo(foreign("PROVIDER_GONE", FAILURE_DOMAIN, { ...metadata, a: "b" }))).toEqual({
        reason: "PROVIDER_GONE",
        fault: "plugin",
        facts: { a: "b" },
      });
    }
  });
});

describe("what is not ours stays a detail, untouched", () => {
  test.each([
    ["a reason of a newer peer", foreign("INVENTED_LATER", FAILURE_DOMAIN, { fault: "host" })],
    ["a reason named like a property of every object", foreign("constructor", FAILURE_DOMAIN)],
    ["another domain", foreign("NO_PROVIDER", "example.com")],
    ["another type", { type: "google.rpc.RetryInfo", value: Uint8Array.of(1, 2) }],
    ["bytes that do not decode", { type: "google.rpc.ErrorInfo", value: Uint8Array.of(0xff, 0xff) }],
  ])("%s", (_, detail) => {
    expect(decodeFailureInfo(detail)).toBeUndefined();
    expect(splitDetails([detail])).toEqual({ info: undefined, details: [detail] });
  });

  test("and details keep their order when ours is taken out and put in", () => {
    const application = [foreign("A", "example.com"), foreign("INVENTED_LATER", FAILURE_DOMAIN)];
    const info: FailureInfo = { reason: "HANDLER_FAILED", fault: "plugin", facts: {} };
    const joined = joinDetails(info, application);
    expect(joined).toHaveLength(3);
    expect(splitDetails(joined)).toEqual({ info, details: application });
    expect(splitDetails([application[0], ...joined].filter((one) => one !== undefined))).toEqual({
      info,
      details: [application[0], ...application],
    });
    expect(joinDetails(undefined, application)).toBe(application);
  });
});
