import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, expect, it } from "vitest";
import { eventually, isAlive, soon } from "../../testing/contract-bench.js";
import { type ContractPlugin, contractPluginFile } from "../../testing/contract-plugins.js";

const built = new URL("../../../dist/", import.meta.url);

/** A host that launches a plugin and says what becomes of it, one JSON a line. */
function hostScript(plugin: ContractPlugin, options: object, then: string): string {
  return `
    import { childProcess } from ${JSON.stringify(new URL("launcher/child-process.js", built))};
    import { call, callJson, ContractBench } from ${JSON.stringify(new URL("testing/contract-bench.js", built))};
    const say = (value) => console.log(JSON.stringify(value));
    const entry = ${JSON.stringify(contractPluginFile(plugin))};
    const bench = new ContractBench(childProcess({ entry, ...${JSON.stringify(options)} }));
    bench.lines.push = ({ line }) => say({ line });
    const launched = await bench.launch();
    say({ pid: launched.pid });
    ${then}
  `;
}

let host: ChildProcess | undefined;
const pids: number[] = [];

afterEach(() => {
  host?.kill("SIGKILL");
  for (const pid of pids.splice(0)) {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  }
});

/** Runs a host until it has said something that counts, and gives that. */
async function runHost<T>(
  script: string,
  read: (said: Record<string, unknown>) => T | undefined,
): Promise<T> {
  host = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines = createInterface({ input: host.stdout! });
  const heard = (async () => {
    for await (const line of lines) {
      const value = read(JSON.parse(line) as Record<string, unknown>);
      if (value !== undefined) return value;
    }
    throw new Error("the host ended without a word");
  })();
  return await soon("the host to speak", heard);
}

async function killHost(): Promise<void> {
  const exit = once(host!, "exit");
  host!.kill("SIGKILL");
  await exit;
}

it("ends a child that spins when its host is killed", async () => {
  const pid = await runHost(
    hostScript(
      "echo",
      {},
      'void call(launched, "Spin"); setTimeout(() => say({ spinning: launched.pid }), 200);',
    ),
    ({ spinning }) => spinning as number | undefined,
  );
  pids.push(pid);
  expect(isAlive(pid)).toBe(true);
  await killHost();
  await eventually("the child to be gone", () => !isAlive(pid));
});

it("ends a child that spins while it is imported", async () => {
  const pid = await runHost(hostScript("spins", {}, ""), ({ line }) => {
    const [, spinning] = /^spinning as (\d+)$/.exec(String(line)) ?? [];
    return spinning === undefined ? undefined : Number(spinning);
  });
  pids.push(pid);
  await killHost();
  await eventually("the child to be gone", () => !isAlive(pid));
});

it("ends what a child has started, too", async () => {
  const [pid, grandchild] = await runHost(
    hostScript("echo", {}, 'say({ both: [launched.pid, await callJson(launched, "Spawn")] });'),
    ({ both }) => both as [number, number] | undefined,
  );
  pids.push(pid, grandchild);
  await killHost();
  await eventually("the child to be gone", () => !isAlive(pid));
  await eventually("the grandchild to be gone", () => !isAlive(grandchild));
});

it("leaves a child that spins alone where orphans are allowed", async () => {
  const pid = await runHost(
    hostScript(
      "echo",
      { allowOrphans: true },
      'void call(launched, "Spin"); setTimeout(() => say({ spinning: launched.pid }), 200);',
    ),
    ({ spinning }) => spinning as number | undefined,
  );
  pids.push(pid);
  await killHost();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(isAlive(pid)).toBe(true);
});

it("lets a child that has noticed stop by itself where orphans are allowed", async () => {
  const pid = await runHost(
    hostScript("echo", { allowOrphans: true }, ""),
    ({ pid }) => pid as number | undefined,
  );
  pids.push(pid);
  await killHost();
  await eventually("the child to be gone", () => !isAlive(pid));
});
