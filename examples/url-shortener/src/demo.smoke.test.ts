import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const example = fileURLToPath(new URL("..", import.meta.url));
const command = fileURLToPath(new URL("../../../packages/cli/bin/connect-plugin.js", import.meta.url));
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
  await expectPasted(/^ {2}(curl .+)$/m.exec(stdout)?.[1] ?? "exit 1");
}, 120_000);

/** The line for curl works as it stands, in the example's directory, while the host of the example runs. */
async function expectPasted(line: string): Promise<void> {
  const host = spawn(process.execPath, [command, "run", "--json"], {
    cwd: example,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(async () => {
    if (host.exitCode !== null || host.signalCode !== null) return;
    host.kill("SIGTERM");
    await once(host, "exit");
  });
  const [ready] = await once(createInterface({ input: host.stdout }), "line");
  expect(JSON.parse(String(ready))).toMatchObject({ type: "host.ready", door: "http://127.0.0.1:7480" });
  const { stdout } = await promisify(execFile)("sh", ["-c", line], { cwd: example });
  expect(JSON.parse(stdout)).toEqual({ code: expect.stringMatching(/^[\w-]+$/) });
}
