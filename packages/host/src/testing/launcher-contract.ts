import assert from "node:assert/strict";
import type { Distance, MethodKind } from "@connect-plugin/protocol";
import type { Launcher } from "../launcher/launcher.js";
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
} from "./contract-bench.js";
import { type ContractPlugin, contractPluginFile } from "./contract-plugins.js";

/** What not every distance can do. */
export type LauncherAbility =
  /** The plugin has an environment of its own. */
  | "own-environment"
  /** What it writes to stdout and stderr comes through the launcher. */
  | "own-output"
  /** It can end by itself, and a loop in it can be ended from outside. */
  | "own-thread";

export interface LauncherUnderTest {
  readonly distance: Distance;
  /** Makes a launcher for a plugin file. */
  launcher(file: URL): Launcher;
  /** What this distance cannot do, and why. The cases for it are skipped with that reason. */
  readonly cannot: Readonly<Partial<Record<LauncherAbility, string>>>;
}

/** One thing that every launcher must do. For any test framework: `it(name, run)`, or skipped for a reason. */
export interface ContractCase {
  readonly name: string;
  readonly skipped: string | undefined;
  run(): Promise<void>;
}

type CaseBody = (bench: ContractBench) => Promise<void>;

const kinds: readonly MethodKind[] = ["unary", "server_streaming", "client_streaming", "bidi_streaming"];

/** The contract of {@link Launcher}, to be held by every distance. */
export function launcherContract(under: LauncherUnderTest): readonly ContractCase[] {
  const cases: ContractCase[] = [];

  function add(name: string, plugin: ContractPlugin, body: CaseBody, needs?: LauncherAbility): void {
    cases.push({
      name,
      skipped: needs === undefined ? undefined : under.cannot[needs],
      async run() {
        const bench = new ContractBench(under.launcher(contractPluginFile(plugin)));
        try {
          await body(bench);
        } finally {
          await bench.end();
        }
      },
    });
  }

  addCalls(add);
  addRefusals(add);
  addEnds(add);
  addResources(add);
  return cases;
}

type Add = (name: string, plugin: ContractPlugin, body: CaseBody, needs?: LauncherAbility) => void;

function addCalls(add: Add): void {
  add("says what the plugin says of itself", "echo", async (bench) => {
    const { manifest } = await bench.launch();
    assert.equal(manifest.name, "echo");
    assert.equal(manifest.version, "1.2.3");
    assert.deepEqual(manifest.sdk, { name: "by-hand", version: "0.0.1" });
  });

  add("hands over name, instance, config and credential", "echo", async (bench) => {
    const launched = await bench.launch();
    const boot = (await callJson(launched, "Boot")) as Record<string, unknown>;
    assert.equal(boot.plugin, "contract");
    assert.equal(boot.instanceId, "instance-0");
    assert.deepEqual(boot.config, bench.config);
    assert.deepEqual(boot.credential, bench.credential);
  });

  for (const kind of kinds) {
    const request = kind === "client_streaming" || kind === "bidi_streaming" ? ["a", "b", "c"] : ["a"];
    const messages = request.map((text) => Buffer.from(text));
    add(`carries a ${kind} call to the plugin`, "echo", async (bench) => {
      const answer = await call(await bench.launch(), "Echo", messages, kind);
      assert.deepEqual(answer.messages.map(String), request);
      assert.deepEqual(answer.header, [["x-answered", "Echo"]]);
      assert.deepEqual(answer.trailer, [["x-count", String(request.length)]]);
      assert.equal(answer.failure, undefined);
    });
    add(`carries a ${kind} call to the host`, "echo", async (bench) => {
      const answer = await call(await bench.launch(), "CallHost", [Buffer.from(kind), ...messages]);
      assert.equal(answer.failure, undefined);
      assert.deepEqual(answer.messages.map(String), request);
    });
  }

  add("carries large messages and the boundaries between them", "echo", async (bench) => {
    const messages = [3_000_000, 0, 70_000, 1].map((size, index) => Buffer.alloc(size, index + 1));
    const answer = await call(await bench.launch(), "Echo", messages);
    assert.equal(answer.failure, undefined);
    assert.equal(answer.messages.length, messages.length);
    for (const [index, message] of messages.entries()) assert.ok(message.equals(answer.messages[index]!));
  });

  add("carries a failure", "echo", async (bench) => {
    const { failure } = await call(await bench.launch(), "NoSuchMethod");
    assert.equal(failure?.code, 13);
    assert.equal(failure.message, "no method NoSuchMethod");
  });
}

function addRefusals(add: Add): void {
  const refusals = [
    ["missing", "PLUGIN_FILE_MISSING", /missing\.plugin\.js, found nothing; correct the entry/],
    [
      "throws",
      "IMPORT_FAILED",
      /threw while it was imported: no database at this address\n {4}at .*throws\.plugin/,
    ],
    ["no-plugin", "NOT_A_PLUGIN", /is not a plugin: its default export is an object with the keys? name/],
    ["bad-manifest", "NOT_A_PLUGIN", /is not a plugin: .*version.*"one"/],
    ["other-abi", "ENTRY_ABI_UNSUPPORTED", /wanted 1, found the number 99; upgrade this host/],
  ] as const;
  for (const [plugin, reason, message] of refusals) {
    add(`refuses a file: ${plugin}`, plugin, async (bench) => {
      const before = holdings();
      const facts = await assertRefused(bench.launch(), reason, message);
      assert.equal(facts.plugin, "contract");
      await assertNothingLeft(before);
    });
  }

  const early: CaseBody = async (bench) => {
    const before = holdings();
    const facts = await assertRefused(
      bench.launch(),
      "EXITED_EARLY",
      /ended .*with code 3 before it could be talked to; its last lines on stderr:\n {4}cannot go on/,
    );
    assert.equal(facts.code, "3");
    await assertNothingLeft(before);
  };
  add("says how a plugin ended that ends while it is imported", "exits", early, "own-thread");

  add("gives up a launch when told to", "never-loads", async (bench) => {
    const before = holdings();
    const abort = new AbortController();
    const launch = bench.launch(abort.signal);
    setTimeout(() => abort.abort(), 200);
    const facts = await assertRefused(
      soon("the launch to be given up", launch),
      "LAUNCH_TIMEOUT",
      /given up while .*never-loads\.plugin\.js was being imported/,
    );
    assert.match(facts.phase!, /was being imported/);
    await assertNothingLeft(before);
  });

  add("starts nothing that has been given up", "echo", async (bench) => {
    await assertRefused(bench.launch(AbortSignal.abort()), "LAUNCH_TIMEOUT", /nothing had been started/);
  });
}

function addEnds(add: Add): void {
  add("ends in order when asked to, whatever the plugin keeps", "echo", async (bench) => {
    const launched = await bench.launch();
    await call(launched, "KeepAlive");
    launched.terminate();
    const exit = await soon("the exit", launched.exited);
    if (exit.kind !== "in-process") assert.equal(exit.code, 0);
    assert.equal((await launched.connection.closed).how, "closed");
    const late = await call(launched, "Echo");
    assert.equal(late.failure?.notDelivered, true);
  });

  add("ends when the host closes the connection", "echo", async (bench) => {
    const launched = await bench.launch();
    const failure = {
      code: 14,
      message: "enough",
      info: undefined,
      details: [],
      metadata: [],
      notDelivered: false,
    };
    launched.connection.close(failure);
    await soon("the exit", launched.exited);
    const end = await launched.connection.closed;
    assert.equal(end.how, "closed");
    assert.equal(end.failure.message, "enough");
  });

  add("ends at once when killed, and calls in flight fail", "echo", async (bench) => {
    const launched = await bench.launch();
    await launched.kill();
    const exit = await launched.exited;
    if (exit.kind === "process") assert.equal(exit.signal, "SIGKILL");
    await launched.kill();
    assert.notEqual((await call(launched, "Echo")).failure, undefined);
  });

  const spinning: CaseBody = async (bench) => {
    const launched = await bench.launch();
    const spin = call(launched, "Spin");
    launched.terminate();
    await soon("the kill", launched.kill());
    assert.notEqual((await spin).failure, undefined);
    const exit = await launched.exited;
    assert.ok(exit.kind !== "worker" || !exit.leaked);
  };
  add("ends a plugin that spins", "echo", spinning, "own-thread");

  const crash: CaseBody = async (bench) => {
    const launched = await bench.launch();
    await call(launched, "Throw");
    const exit = await soon("the exit", launched.exited);
    assert.ok(exit.kind !== "in-process" && exit.code === 1);
    const end = await launched.connection.closed;
    assert.equal(end.how, "lost");
    assert.equal(end.failure.info?.reason, "CONNECTION_LOST");
    assert.match(bench.written("stderr").join("\n"), /Error: thrown where nobody catches/);
  };
  add("says what a plugin died of that nobody caught", "echo", crash, "own-thread");

  const leave: CaseBody = async (bench) => {
    const launched = await bench.launch();
    const { failure } = await call(launched, "Exit");
    assert.equal(failure?.info?.reason, "CONNECTION_LOST");
    const exit = await soon("the exit", launched.exited);
    assert.ok(exit.kind !== "in-process" && exit.code === 7);
  };
  add("says with what a plugin ended itself", "echo", leave, "own-thread");
}

function addResources(add: Add): void {
  const environment: CaseBody = async (bench) => {
    const mine = {
      CONTRACT_HOST_SECRET: "of the host",
      NODE_EXTRA_CA_CERTS: "/nowhere",
      NODE_OPTIONS: "--no-warnings",
    };
    const before = { ...process.env };
    Object.assign(process.env, mine);
    try {
      const given = (await callJson(await bench.launch(), "Environment")) as Record<string, string>;
      assert.equal(given.PATH, process.env.PATH);
      for (const name of Object.keys(mine)) assert.equal(given[name], undefined, name);
      assert.ok(!JSON.stringify(given).includes(bench.credential.secret));
    } finally {
      for (const name of Object.keys(mine)) {
        const value = before[name];
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  };
  add("keeps the host's environment to the host", "echo", environment, "own-environment");

  const output: CaseBody = async (bench) => {
    const launched = await bench.launch();
    const text = { stdout: `one\ntwo\r\n\n${"é".repeat(6_000)}\nlast`, stderr: "trouble\nmore" };
    await call(launched, "Print", [Buffer.from(JSON.stringify(text))]);
    launched.terminate();
    await soon("the exit", launched.exited);
    const cut = `${"é".repeat(4_096)} … [cut: the line has 3808 more bytes]`;
    assert.deepEqual(bench.written("stdout"), ["one", "two", "", cut, "last"]);
    assert.deepEqual(bench.written("stderr"), ["trouble", "more"]);
  };
  add("tells what the plugin writes, line by line, to the last", "echo", output, "own-output");

  add("runs instances side by side", "echo", async (bench) => {
    const [first, second] = await Promise.all([bench.launch(), bench.launch()]);
    await first.kill();
    assert.equal((await call(second, "Echo")).failure, undefined);
  });

  add("leaves nothing behind, twenty times", "echo", async (bench) => {
    await (await bench.launch()).kill();
    const before = holdings();
    for (let round = 0; round < 20; round++) {
      const launched = await bench.launch();
      assert.equal((await call(launched, "Echo")).failure, undefined);
      const byForce = round % 2 === 0;
      if (byForce) void launched.kill();
      else launched.terminate();
      await soon("the exit", launched.exited);
      const { pid } = launched;
      if (pid !== undefined) await eventually("the process to be gone", () => !isAlive(pid));
    }
    await assertNothingLeft(before);
  });
}
