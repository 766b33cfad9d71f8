import { expect, it } from "vitest";
import { countTests } from "./run-tests.mjs";

const file = (status, ...statuses) => ({
  status,
  assertionResults: statuses.map((one) => ({ status: one })),
});

it("counts passed, failed and skipped tests", () => {
  const report = {
    testResults: [file("failed", "passed", "failed", "pending"), file("passed", "passed", "todo", "skipped")],
  };
  expect(countTests(report, 1)).toEqual({ passed: 2, failed: 1, skipped: 3 });
});

it("counts a file that could not be run as a failure", () => {
  expect(countTests({ testResults: [file("failed"), file("passed", "passed")] }, 1)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

it("fails when vitest failed though every test passed", () => {
  expect(countTests({ testResults: [file("passed", "passed")] }, 1)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

it("fails without a report, and without a test that ran", () => {
  expect(countTests(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
  expect(countTests({ testResults: [file("passed", "skipped")] }, 0)).toEqual({
    passed: 0,
    failed: 1,
    skipped: 1,
  });
});
