import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import {
  assertNothingLeft,
  assertRefused,
  ContractBench,
  call,
  callJson,
  eventually,
  holdings,
  isAlive,
  soon,
} from "../testing/contract-bench.js";
import { type ContractPlugin, contractPluginFile } from "../testing/contract-plugins.js";
import { type ChildProcessOptions, childProcess } from "./child-process.js";

const benches: ContractBench[] = [];

function createBench(
  plugin: ContractPlugin,
  options: Omit<ChildProcessOptions, "entry"> = {},
): ContractBench {
  const bench = new ContractBench(childProcess({ entry: contractPluginFile(plugin), ...options }));
  benches.push(bench);
  return bench;
}

afterEach(async () => {
  await Promise.all(benches.splice(0).map((bench) => bench.end()));
});

describe("childProcess: options", () => {
  it.each([
    [{ entry: 7 }, "childProcess: entry must be a path or a file: URL, but is the number 7"],
    [{ execPath: "" }, 'childProcess: execPath must be a text, but is the text ""'],
    [
      { execArgv: "--inspect" },
      'childProcess: execArgv must be an array of texts, but is the text "--inspect"',
    ],
    [{ execArgv: [1] }, "childProcess: execArgv must be a text, but is the number 1"],
    [{ cwd: 1 }, "childProcess: cwd must be a text, but is the number 1"],
    [{ allowOrphans: "yes" }, 'childProcess: allowOrphans must be true or false, but is the text "yes"'],
    [{ env: [1] }, "childProcess: env must hold texts without NUL, but one is the number 1"],
  ])("refuses %j", (wrong, message) => {
    const options = { entry: "kv.js", ...wrong } as unknown as ChildProcessOptions;
    expect(() => childProcess(options)).toThrow(new TypeError(message));
  });

  it("is described by its file", () => {
    expect(childProcess({ entry: "/plugins/kv.js" }).describe).toBe("/plugins/kv.js");
  });

  it("runs the plugin where and how it is told to", async () => {
    const directory = await mkdtemp(join(tmpdir(), "launch-"));
    try {
      const bench = createBench("echo", {
        cwd: directory,
        execArgv: ["--no-deprecation"],
        env: { MODE: "fast" },
      });
      const launched = await bench.launch();
      const told = (await callJson(launched, "Process")) as Record<string, unknown>;
      expect(told.pid).toBe(launched.pid);
      expect((told.cwd as string).endsWith(directory)).toBe(true);
      expect(told.execArgv).toEqual(["--no-deprecation"]);
      expect(await callJson(launched, "Environment")).toMatchObject({ MODE: "fast" });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("childProcess: launches that fail", () => {
  it.each([
    [{ execPath: "/nowhere/node" }, /could not be started: wanted Node at \/nowhere\/node, found nothing/],
    [
      { execPath: "no-such-node" },
      /could not be started: no-such-node cannot be run: spawn no-such-node ENOENT/,
    ],
    [
      { cwd: "/nowhere" },
      /could not be started: wanted its working directory \/nowhere, found nothing; correct cwd/,
    ],
    [{ cwd: process.execPath }, /wanted a working directory, found a file at .*; correct cwd/],
    [{ execPath: "/dev/null" }, /\/dev\/null cannot be run: .*EACCES/],
  ])("says what is wrong: %j", async (options, message) => {
    const before = holdings();
    await assertRefused(createBench("echo", options).launch(), "LAUNCH_FAILED", message);
    await assertNothingLeft(before);
  });

  it("names a bad option of Node by what Node says", async () => {
    const bench = createBench("echo", { execArgv: ["--no-such-option"] });
    const facts = await assertRefused(
      bench.launch(),
      "EXITED_EARLY",
      /ended with code 9 before it could be talked to; its last lines on stderr:\n {4}.*bad option: --no-such-option/,
    );
    expect(facts.code).toBe("9");
  });

  it("takes garbage in the pipe for what it is", async () => {
    const before = holdings();
    await assertRefused(
      createBench("garbage-first").launch(),
      "LANE_PROTOCOL",
      /plugin "contract": wanted a boot frame, found "a debug line on the wrong descriptor\\n"/,
    );
    await assertNothingLeft(before);
  });

  it("does not wait for a plugin that has closed its pipe", async () => {
    const before = holdings();
    await assertRefused(
      soon("the refusal", createBench("closes-pipe").launch()),
      "LANE_PROTOCOL",
      /it closed its pipe to the host while it was launched, and went on running/,
    );
    await assertNothingLeft(before);
  });

  it("ends a plugin that spins while it is imported when told to give up", async () => {
    const before = holdings();
    const bench = createBench("spins");
    const abort = new AbortController();
    const launch = bench.launch(abort.signal);
    const refused = assertRefused(launch, "LAUNCH_TIMEOUT", /spins\.plugin\.js was being imported/);
    await eventually("it to spin", () => bench.written("stderr").some((line) => line.startsWith("spinning")));
    abort.abort();
    await soon("the refusal", refused);
    await assertNothingLeft(before);
  });

  it("refuses a config that does not fit into the first frame", async () => {
    const launcher = childProcess({ entry: contractPluginFile("echo") });
    const launch = launcher.launch({
      boot: {
        plugin: "contract",
        instanceId: "1",
        distance: "child-process",
        config: { data: "x".repeat(5_000_000) },
        credential: { id: "1", secret: "1" },
      },
      handler: { start: () => expect.unreachable() },
      output() {},
      signal: new AbortController().signal,
    });
    await assertRefused(
      launch,
      "CONFIG_INVALID",
      /its config cannot be handed over: .*put large data into a file/,
    );
  });

  it("tells a session that cannot be begun by the exit and on stderr", async () => {
    const bench = createBench("rejects-run");
    const launched = await bench.launch();
    await expect(soon("the exit", launched.exited)).resolves.toEqual({
      kind: "process",
      code: 83,
      signal: null,
    });
    expect(bench.written("stderr").join("\n")).toContain("Error: the handshake was refused");
  });
});

describe("childProcess: the end", () => {
  it("takes garbage on the running lane for what it is, and ends", async () => {
    const bench = createBench("echo");
    const launched = await bench.launch();
    const { failure } = await call(launched, "Garbage");
    expect(failure?.info?.reason).toBe("LANE_PROTOCOL");
    await soon("the exit", launched.exited);
    expect(launched.trouble?.info?.reason).toBe("LANE_PROTOCOL");
    expect(launched.trouble?.info?.fault).toBe("plugin");
  });

  it("takes what the plugin has started with it", async () => {
    const launched = await createBench("echo").launch();
    const grandchild = (await callJson(launched, "Spawn")) as number;
    expect(isAlive(grandchild)).toBe(true);
    await launched.kill();
    await eventually("the grandchild to be gone", () => !isAlive(grandchild));
  });

  it("takes it along too when the plugin ends in order", async () => {
    const launched = await createBench("echo").launch();
    const grandchild = (await callJson(launched, "Spawn")) as number;
    launched.terminate();
    await expect(soon("the exit", launched.exited)).resolves.toMatchObject({ code: 0 });
    await eventually("the grandchild to be gone", () => !isAlive(grandchild));
  });

  it("does not wait for the output of a process that it cannot end", async () => {
    const launched = await createBench("echo").launch();
    const daemon = (await callJson(launched, "SpawnDaemon")) as number;
    launched.terminate();
    try {
      await expect(soon("the exit", launched.exited)).resolves.toMatchObject({ code: 0 });
      expect(isAlive(daemon)).toBe(true);
    } finally {
      process.kill(daemon, "SIGKILL");
    }
  });

  it("kills what ignores the request to end", async () => {
    const launched = await createBench("echo").launch();
    await call(launched, "IgnoreTerminate");
    launched.terminate();
    expect((await call(launched, "Echo")).failure).toBeUndefined();
    await launched.kill();
    await expect(launched.exited).resolves.toEqual({ kind: "process", code: null, signal: "SIGKILL" });
  });

  it("leaves a terminal's interrupt to the host", async () => {
    const launched = await createBench("echo").launch();
    process.kill(launched.pid!, "SIGINT");
    expect((await call(launched, "Echo")).failure).toBeUndefined();
  });

  it("slows a flood of output instead of drowning in it", async () => {
    const bench = createBench("echo");
    const launched = await bench.launch();
    await call(launched, "Flood");
    const slowed = () => bench.lines.some(({ line }) => line.startsWith("… [slowed"));
    await eventually("the flood to be slowed", slowed);
    expect((await call(launched, "Echo")).failure).toBeUndefined();
    await launched.kill();
    expect(bench.lines.length).toBeLessThan(200_000);
  });
});
