// 200 starts and stops at each distance leave nothing: no process, socket, descriptor, timer, file or memory.
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import type { LeakReport } from "./fixtures/leak-run.js";
import { DISTANCES, fixture } from "./support/launch-at.js";
import { runNode } from "./support/run-program.js";
import { makeTemporaryDirectory } from "./support/temporary-directory.js";

const STARTS = 200;

/** For what an engine keeps of code that has run more often. An instance that is not let go of is tens of KiB. */
const HEAP_GROWTH_BYTES = 2 << 20;

it.each(DISTANCES)("%s", { timeout: 900_000 }, async (distance) => {
  const scratch = makeTemporaryDirectory();
  const program = runNode(["--expose-gc", fileURLToPath(fixture("leak-run")), distance, String(STARTS)], {
    env: { TMPDIR: scratch },
  });
  const { code, stdout, stderr } = await program.ended;
  expect([code, stderr]).toEqual([0, ""]);
  const { starts, before, after, leaked } = JSON.parse(stdout) as LeakReport;
  expect(starts).toBeGreaterThanOrEqual(STARTS);
  expect(leaked).toEqual([]);
  expect(after.processes).toBe(0);
  expect(after.resources).toEqual(before.resources);
  // Only Linux tells a process its own descriptors; elsewhere this compares nothing with nothing.
  expect(after.descriptors).toBe(before.descriptors);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(HEAP_GROWTH_BYTES);
  expect(readdirSync(scratch)).toEqual([]);
});
