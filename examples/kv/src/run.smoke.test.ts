import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";

const command = join(
  dirname(createRequire(import.meta.url).resolve("@connect-plugin/cli/package.json")),
  "bin/connect-plugin.js",
);
const example = fileURLToPath(new URL("..", import.meta.url));

let directory: string;
let host: ChildProcess;

// The example's own configuration, in a directory of its own so that its data is not the user's.
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kv-run-"));
  const config = await readFile(join(example, "connect-plugin.yaml"), "utf8");
  await writeFile(join(directory, "connect-plugin.yaml"), config.replace("./dist/", join(example, "dist/")));
  host = spawn(process.execPath, [command, "run", "--json"], {
    cwd: directory,
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (host.stdout === null) throw new Error("the host has no stdout");
  const [line] = await once(createInterface({ input: host.stdout }), "line");
  expect(JSON.parse(String(line))).toMatchObject({ type: "host.ready" });
}, 60_000);
afterAll(async () => {
  if (host.exitCode === null) {
    host.kill("SIGTERM");
    await once(host, "exit");
  }
  await rm(directory, { recursive: true, force: true });
}, 60_000);

async function connectPlugin(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [command, ...args], { cwd: directory });
  return stdout.trim();
}

it("runs from its configuration and is called by the command", async () => {
  const value = Buffer.from("hello").toString("base64");
  await connectPlugin("call", "kv.v1.KVService/Put", "--data", JSON.stringify({ key: "a", value }));
  expect(JSON.parse(await connectPlugin("call", "kv.v1.KVService/Get", "--data", '{"key":"a"}'))).toEqual({
    value,
    found: true,
  });
  await connectPlugin("restart", "kv");
  expect(
    JSON.parse(await connectPlugin("call", "kv.v1.KVService/Get", "--data", '{"key":"a"}')),
  ).toMatchObject({
    found: true,
  });
  const exited = once(host, "exit");
  await connectPlugin("stop");
  expect(await exited).toEqual([0, null]);
}, 60_000);
