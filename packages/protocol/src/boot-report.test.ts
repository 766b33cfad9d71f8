import { describe, expect, test } from "vitest";
import { checkBootReport } from "./boot-report.js";
import { fullManifest } from "./fixtures/manifests.js";

describe("a boot report", () => {
  test("of a plugin that was loaded has its manifest", () => {
    expect(checkBootReport({ ok: true, manifest: fullManifest })).toEqual({
      ok: true,
      report: { ok: true, manifest: fullManifest },
    });
  });

  test("of one that was not says why", () => {
    const report = { ok: false, reason: "IMPORT_FAILED", message: "boom", stack: "Error: boom\n    at x" };
    expect(checkBootReport(report)).toEqual({ ok: true, report });
    const { stack: _, ...short } = report;
    expect(checkBootReport(short)).toEqual({ ok: true, report: short });
  });

  test("is cut to a bearable length", () => {
    const long = "x".repeat(100_000);
    const check = checkBootReport({ ok: false, reason: "IMPORT_FAILED", message: long, stack: long });
    expect(check).toEqual({
      ok: true,
      report: {
        ok: false,
        reason: "IMPORT_FAILED",
        message: long.slice(0, 16_384),
        stack: long.slice(0, 16_384),
      },
    });
  });

  test("with a manifest that is none is that failure", () => {
    expect(checkBootReport({ ok: true, manifest: 3 })).toMatchObject({
      ok: false,
      failure: {
        message: expect.stringMatching(
          /^the manifest is not valid: manifest must be an object, but is the number 3;/,
        ),
        info: { reason: "HANDSHAKE_INVALID" },
      },
    });
  });

  test.each<[unknown, string]>([
    [null, "null"],
    ["ready", 'the text "ready"'],
    [{}, "an object without keys"],
    [{ ok: 1 }, "an object with the key ok"],
    [{ ok: false, reason: "INVENTED", message: "x" }, "an object with the keys ok, reason, message"],
    [{ ok: false, reason: "IMPORT_FAILED" }, "an object with the keys ok, reason"],
  ])("%j is none", (value, found) => {
    expect(checkBootReport(value)).toMatchObject({
      ok: false,
      failure: {
        code: 13,
        message: `wanted a boot report, found ${found}; the bootstrap and this host are not of the same version, or something else writes to the pipe`,
        info: { reason: "LANE_PROTOCOL", fault: "plugin" },
      },
    });
  });
});
