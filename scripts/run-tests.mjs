// Runs the tests of the whole workspace, or those whose path contains one of the words given, and ends with one line:
// `N passed, N failed, N skipped`. No test at all is a failure.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMain } from "./report.mjs";
import { readJson, root } from "./workspace.mjs";

/**
 * Counts what vitest's JSON report says. A file that could not be run at all counts as one failure, and so does a run
 * that failed without a failed test (an error outside of all tests) or that held no test.
 *
 * @param {object | undefined} report vitest's JSON report, if it wrote one
 * @param {number} exitCode vitest's own
 */
export function countTests(report, exitCode) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const file of report?.testResults ?? []) {
    let failed = 0;
    for (const { status } of file.assertionResults) {
      if (status === "passed") count.passed += 1;
      else if (status === "failed") failed += 1;
      else count.skipped += 1;
    }
    if (failed === 0 && file.status === "failed") failed = 1;
    count.failed += failed;
  }
  const ran = count.passed + count.failed;
  if (count.failed === 0 && (exitCode !== 0 || ran === 0)) count.failed = 1;
  return count;
}

async function main(filters) {
  const folder = mkdtempSync(join(tmpdir(), "test-report-"));
  const file = join(folder, "report.json");
  try {
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const args = [
      vitest,
      "run",
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${file}`,
      ...filters,
    ];
    const child = spawn(process.execPath, args, { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
    const exitCode = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => resolve(code ?? 1));
    });
    const report = existsSync(file) ? readJson(file) : undefined;
    const { passed, failed, skipped } = countTests(report, exitCode);
    if (exitCode !== 0 && report?.success !== false)
      console.error(`vitest ended with ${exitCode}: see above`);
    if (passed + skipped === 0) console.error("no test passed: there must be tests");
    process.exitCode = failed === 0 ? 0 : 1;
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (isMain(import.meta.url)) await main(process.argv.slice(2));
