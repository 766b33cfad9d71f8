import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const demo = fileURLToPath(new URL("../dist/demo.js", import.meta.url));

it("the demo resolves every URL again, wherever the plugins run", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [demo], { timeout: 90_000 });
  expect(stdout).toMatch(/== connect-plugin\.yaml\n[\s\S]*== connect-plugin\.moved\.yaml\n/);
  expect(stdout).toMatch(
    /(\d+) URLs shortened and resolved again, one by one and as a stream, twice: 0 problems/,
  );
  // Every plugin moved.
  for (const line of ["storage  child-process → worker", "api      in-process → child-process"]) {
    expect(stdout).toContain(line);
  }
  const [, total] = /the (\d+) homepages/.exec(stdout) ?? [];
  expect(Number(total)).toBeGreaterThan(20);
}, 120_000);
