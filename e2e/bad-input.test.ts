// What is wrong with plugins, configurations and the operator's socket: each gets a message that says what was wanted,
// what was found, whose fault it is and what to do next; the host lives on, and nothing is left.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createHost, type Host, type HostEvent, inProcess } from "@connect-plugin/host";
import type { CallFailure, Distance } from "@connect-plugin/protocol";
import { toConnectError } from "@connect-plugin/rpc";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { RightService } from "./gen/probe/v1/order_pb.js";
import { ProbeService } from "./gen/probe/v1/probe_pb.js";
import { jsonLines, runCommand, startCommand } from "./support/command.js";
import { describeFailure, type Failure, failureOf } from "./support/failure-of.js";
import { DISTANCES, fixture, launchAt } from "./support/launch-at.js";
import { makeHost } from "./support/make-host.js";
import { bePatient } from "./support/patience.js";
import { childrenOf, isRunning } from "./support/process-table.js";
import { makeTemporaryDirectory } from "./support/temporary-directory.js";
import { until } from "./support/until.js";

bePatient();

interface Case {
  readonly fixture: string;
  readonly config?: unknown;
  /** Default: all. */
  readonly at?: readonly Distance[];
  readonly code: string;
  readonly reason: string;
  readonly fault: string;
  /** What the message must say. */
  readonly says: readonly string[];
}

const ofPlugin = { code: "FailedPrecondition", fault: "plugin" } as const;
const ofOperator = { code: "InvalidArgument", reason: "CONFIG_INVALID", fault: "operator" } as const;

/** By the operator's name for the plugin. */
const cases: Readonly<Record<string, Case>> = {
  missing: {
    fixture: "broken/nowhere",
    code: "NotFound",
    reason: "PLUGIN_FILE_MISSING",
    fault: "operator",
    says: [
      "wanted its file at",
      "broken/nowhere.js, found nothing",
      "correct the entry in its spec, or build the plugin",
    ],
  },
  "not-a-plugin": {
    fixture: "broken/not-a-plugin",
    ...ofPlugin,
    reason: "NOT_A_PLUGIN",
    says: [
      "is not a plugin: its default export is an object with the keys name, start",
      "export default definePlugin(",
    ],
  },
  "no-default": {
    fixture: "broken/no-default",
    ...ofPlugin,
    reason: "NOT_A_PLUGIN",
    says: ["it has no default export", "export default definePlugin("],
  },
  "throws-at-import": {
    fixture: "broken/throws-at-import",
    ...ofPlugin,
    reason: "IMPORT_FAILED",
    says: ["threw while it was imported: the driver of the database is not installed", "\n    at "],
  },
  "missing-import": {
    fixture: "broken/missing-import",
    ...ofPlugin,
    reason: "IMPORT_FAILED",
    says: ["threw while it was imported: Cannot find module", "was-not-built.js"],
  },
  "exits-at-once": {
    fixture: "broken/exits-at-once",
    at: ["worker", "child-process"],
    code: "Unavailable",
    reason: "EXITED_EARLY",
    fault: "plugin",
    says: ["with code 7 before it could be talked to", "its last lines on stderr:", "nothing to do here"],
  },
  garbage: {
    fixture: "broken/garbage",
    at: ["child-process"],
    code: "Internal",
    reason: "LANE_PROTOCOL",
    fault: "plugin",
    says: ['found "Listening on http://localhost:3000', "the pipe, which belongs to connect-plugin alone"],
  },
  "other-abi": {
    fixture: "broken/other-abi",
    ...ofPlugin,
    reason: "ENTRY_ABI_UNSUPPORTED",
    says: [
      "was built for another version of the contract",
      "wanted 1, found the number 99",
      "upgrade this host",
    ],
  },
  "registers-twice": {
    fixture: "broken/registers-twice",
    code: "AlreadyExists",
    reason: "SERVICE_REGISTERED_TWICE",
    fault: "plugin",
    says: [
      "probe.v1.RightService is provided twice, as right and as alsoRight",
      "a plugin provides a service once",
    ],
  },
  "declares-twice": {
    fixture: "broken/declares-twice",
    ...ofPlugin,
    reason: "IMPORT_FAILED",
    says: [
      "provides.right and provides.alsoRight both offer probe.v1.RightService",
      "a plugin offers a service once",
    ],
  },
  "throws-in-start": {
    fixture: "broken/throws-in-start.plugin",
    ...ofPlugin,
    reason: "START_FAILED",
    says: ["failed in its start(): no database at localhost:5432"],
  },
  "lacks-method": {
    fixture: "broken/lacks-method.plugin",
    ...ofPlugin,
    reason: "SERVICE_NOT_IMPLEMENTED",
    says: [
      "services.right must implement probe.v1.RightService/AskRight as a function askRight()",
      "askRight is undefined",
      '"askRihgt", which is no method of the service',
    ],
  },
  "lacks-service": {
    fixture: "broken/lacks-service.plugin",
    ...ofPlugin,
    reason: "SERVICE_NOT_IMPLEMENTED",
    says: [
      "provides.right declares probe.v1.RightService, but start() returned undefined",
      "return an object with askRight(), or take the declaration out",
    ],
  },
  undeclared: {
    fixture: "broken/undeclared.plugin",
    ...ofPlugin,
    reason: "SERVICE_NOT_DECLARED",
    says: ["start() returned services.right, but the plugin does not declare it", "add right: provides("],
  },
  "config-wrong": {
    fixture: "configured.plugin",
    config: { path: 7, port: "top-secret-value" },
    ...ofOperator,
    says: [
      "config.path: Invalid input: expected string, received number",
      "config.port: Invalid input: expected number",
    ],
  },
  "config-absent": {
    fixture: "configured.plugin",
    ...ofOperator,
    says: ["no config was given, and it takes some", "config.path", "config.port"],
  },
  "config-unwanted": {
    fixture: "base.plugin",
    config: { colour: "green" },
    ...ofOperator,
    says: ['it takes no config, but was given "colour"', "Take it out"],
  },
  "wants-newer": {
    fixture: "broken/wants-newer.plugin",
    code: "FailedPrecondition",
    reason: "VERSION_NOT_PROVIDED",
    fault: "operator",
    says: ["requires probe.v1.RightService ^2.0.0", "there is 1.0.0 of", "or widen the range"],
  },
};

let scratch: string;
beforeAll(() => {
  scratch = realpathSync(mkdtempSync(join(tmpdir(), "e2e-")));
  // Whatever anybody here leaves behind, is left here.
  vi.stubEnv("TMPDIR", scratch);
});
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

/** Nothing may be left of what a test has started: no process, no file. */
beforeEach(() => {
  const before = childrenOf(process.pid);
  onTestFinished(() => {
    expect(childrenOf(process.pid)).toEqual(before);
    expect(readdirSync(scratch)).toEqual([]);
  });
});

function expectFailure(failure: Failure, expected: Omit<Case, "fixture">): void {
  const { code, reason, fault } = expected;
  expect(failure).toMatchObject({ code, reason, fault });
  for (const part of expected.says) expect(failure.message).toContain(part);
}

const asFailure = (failure: CallFailure | undefined): Failure => {
  if (failure === undefined) throw new Error("wanted a failure, found none");
  return describeFailure(toConnectError(failure));
};

describe.each(DISTANCES)("broken plugins (%s)", (distance) => {
  const fitting = Object.entries(cases).filter(([, { at = DISTANCES }]) => at.includes(distance));

  // All in one host, so that it has to bear all of them; beside them one that is well.
  it("are refused, each for its own reason, and disturb nobody", async () => {
    const broken = fitting.map(([name, { fixture: file, config }]) => {
      const launch = launchAt(distance, file);
      return [name, { launch, essential: false, ...(config === undefined ? {} : { config }) }] as const;
    });
    const { host, events } = makeHost({
      plugins: { healthy: { launch: launchAt(distance, "base.plugin") }, ...Object.fromEntries(broken) },
    });
    const report = await host.start();
    expect(report.ready).toBe(true);
    const client = host.client(RightService, { plugin: "healthy" });
    expect(await client.askRight({})).toMatchObject({ answer: "healthy" });

    for (const [name, expected] of fitting) {
      const found = report.plugins.find((plugin) => plugin.name === name);
      expect(found, name).toMatchObject({ status: "failed" });
      const failure = asFailure(found?.failure);
      expect(failure, name).toMatchObject({ facts: { plugin: name } });
      expect(failure.message).toContain(`lugin "${name}"`);
      expectFailure(failure, expected);
    }
    expect(JSON.stringify([report, events])).not.toContain("top-secret-value");
    expect(await host.stop()).toEqual({ leaked: [] });
  });

  it("are why a host does not start that needs them, and all are named", async () => {
    const { host, eventsOf } = makeHost({
      plugins: {
        healthy: { launch: launchAt(distance, "base.plugin") },
        unlucky: { launch: launchAt(distance, "broken/throws-in-start.plugin") },
        absent: { launch: launchAt(distance, "broken/nowhere") },
      },
    });
    const failure = await failureOf(host.start());
    expect(failure.message).toContain("the host cannot start, because 2 essential plugins failed:");
    expect(failure.message).toContain("no database at localhost:5432");
    expect(failure.message).toContain("found nothing; correct the entry");
    expect(failure.message).toContain("or declare the plugin with essential: false to start without it");
    expect(failure).toMatchObject({
      reason: "START_FAILED",
      fault: "plugin",
      facts: { failed: "unlucky, absent" },
    });
    // The one that was well has been stopped.
    expect(eventsOf("instance.gone").some(({ plugin }) => plugin === "healthy")).toBe(true);
    expect(host.services()).toEqual([]);
  });

  it("that require each other in a circle are told the whole circle", async () => {
    const { host } = makeHost({
      plugins: {
        middle: { launch: launchAt(distance, "middle.plugin") },
        circle: { launch: launchAt(distance, "circle.plugin") },
      },
    });
    expectFailure(await failureOf(host.start()), {
      code: "FailedPrecondition",
      reason: "DEPENDENCY_CYCLE",
      fault: "operator",
      says: [
        "plugins require each other in a circle",
        "circle → (probe.v1.LeftService) → middle → (probe.v1.RightService) → circle",
        "make one of these services optional()",
      ],
    });
  });

  it("that require what nobody provides are told so", async () => {
    const { host } = makeHost({
      plugins: { middle: { launch: launchAt(distance, "middle.plugin") } },
    });
    expectFailure(await failureOf(host.start()), {
      code: "FailedPrecondition",
      reason: "DEPENDENCY_MISSING",
      fault: "operator",
      says: [
        'plugin "middle" requires probe.v1.RightService ^1.0.0; no plugin provides it',
        "add one that does to the host's plugins, or make it optional()",
      ],
    });
  });

  it("do not bring those down with them that need them, but are named as the cause", async () => {
    const { host } = makeHost({
      plugins: {
        middle: { launch: launchAt(distance, "middle.plugin"), essential: false },
        unfinished: { launch: launchAt(distance, "broken/lacks-method.plugin"), essential: false },
      },
    });
    const { plugins } = await host.start();
    expectFailure(asFailure(plugins.find(({ name }) => name === "middle")?.failure), {
      code: "FailedPrecondition",
      reason: "DEPENDENCY_FAILED",
      fault: "operator",
      says: [
        'requires probe.v1.RightService of plugin "unfinished", which is not running',
        "askRight is undefined",
      ],
    });
  });

  it("that never shake hands are given up", async () => {
    const { host } = makeHost({
      plugins: { silent: { launch: launchAt(distance, "broken/never-shakes-hands") } },
      deadlines: { handshakeMs: 300, terminateMs: 500 },
    });
    expectFailure(await failureOf(host.start()), {
      code: "DeadlineExceeded",
      reason: "LAUNCH_TIMEOUT",
      fault: "plugin",
      says: [
        'plugin "silent" was loaded but did not shake hands within 300 ms',
        "raise deadlines.handshakeMs",
      ],
    });
  });

  it("that never become ready are given up", async () => {
    const { host } = makeHost({
      plugins: { slow: { launch: launchAt(distance, "slow.plugin"), config: { hangIn: "start" } } },
      deadlines: { startMs: 300, stopMs: 300, terminateMs: 500 },
    });
    expectFailure(await failureOf(host.start()), {
      code: "DeadlineExceeded",
      reason: "START_TIMEOUT",
      fault: "plugin",
      says: [
        'start() of plugin "slow" was not done within 300 ms',
        "look for what it waits for, or raise deadlines.startMs",
      ],
    });
  });
});

describe("a plugin that does not fit its host", () => {
  const launch = launchAt("worker", "base.plugin");

  it("is of a version that the operator does not expect", async () => {
    const { host } = makeHost({ plugins: { base: { launch, expect: { version: "^2.0.0" } } } });
    expectFailure(await failureOf(host.start()), {
      code: "PermissionDenied",
      reason: "CLAIMS_EXCEED_SPEC",
      fault: "plugin",
      says: ['is version "1.0.0" of "base", but the host expects ^2.0.0', "change expect.version"],
    });
  });

  it("offers what the operator does not expect of it", async () => {
    const expected = { services: ["probe.v1.LeftService"] };
    const { host } = makeHost({ plugins: { base: { launch, expect: expected } } });
    expectFailure(await failureOf(host.start()), {
      code: "PermissionDenied",
      reason: "CLAIMS_EXCEED_SPEC",
      fault: "plugin",
      says: [
        "offers probe.v1.RightService, which the host does not expect of it",
        "add it to expect.services",
      ],
    });
  });

  it("speaks another version of the application's contract", async () => {
    const { host } = makeHost({ plugins: { base: { launch } }, appVersions: [7] });
    expectFailure(await failureOf(host.start()), {
      code: "FailedPrecondition",
      reason: "APP_VERSION_UNSUPPORTED",
      fault: "plugin",
      says: ["the host speaks 7, the plugin speaks 1", "use a plugin that was built for this application"],
    });
  });

  it("belongs to another application", async () => {
    const { host } = makeHost({
      plugins: { base: { launch } },

      cookie: { key: "OTHER", value: "app" },
    });
    expectFailure(await failureOf(host.start()), {
      code: "InvalidArgument",
      reason: "COOKIE_MISMATCH",
      fault: "plugin",
      says: ["the magic cookie is not the one that this host wants", "belongs to another host"],
    });
  });
});

describe.each(["worker", "child-process"] as const)("a plugin (%s)", (distance) => {
  it("that is never loaded is given up", async () => {
    const { host } = makeHost({
      plugins: { stuck: { launch: launchAt(distance, "broken/never-loads") } },
      deadlines: { launchMs: 1_000 },
    });
    expectFailure(await failureOf(host.start()), {
      code: "DeadlineExceeded",
      reason: "LAUNCH_TIMEOUT",
      fault: "plugin",
      says: ['plugin "stuck" was not loaded within 1000 ms', "or raise deadlines.launchMs"],
    });
  });

  it("that floods its output is slowed, and works", async () => {
    const lines: string[] = [];
    const { host, eventsOf, status } = makeHost({
      plugins: {
        chatty: { launch: launchAt(distance, "broken/floods.plugin") },
        healthy: { launch: launchAt(distance, "base.plugin") },
      },
    });
    const unsubscribe = host.events.subscribe((event: HostEvent) => {
      if (event.type === "instance.output") lines.push(event.line);
    });
    await host.start();
    const ask = async (plugin: "chatty" | "healthy") =>
      (await host.client(RightService, { plugin }).askRight({})).answer;
    await until("its output is slowed", () => lines.some((line) => line.includes("slowed")));
    expect(await ask("chatty")).toBe("still here");
    expect(await ask("healthy")).toBe("healthy");
    expect(eventsOf("instance.output").every(({ plugin }) => plugin === "chatty")).toBe(true);
    // Of what it wrote, only the end is kept.
    expect(status("chatty").lastOutput.length).toBeLessThan(1_000);
    unsubscribe();
    expect(await host.stop()).toEqual({ leaked: [] });
  });
});

describe.each(DISTANCES)("a call that cannot be carried (%s)", (distance) => {
  it("fails for its own reason, and costs nobody the connection", async () => {
    const { host } = makeHost({
      plugins: {
        alpha: { launch: launchAt(distance, "probe.plugin") },
        beta: { launch: launchAt(distance, "probe.plugin") },
      },
    });
    await host.start();
    const client = host.client(ProbeService, { plugin: "alpha" });
    const open = client.count({})[Symbol.asyncIterator]();
    await open.next();

    // Within one process a message stays what it is: nothing is encoded, and nothing of it need be held twice.
    if (distance !== "in-process") {
      const large = await failureOf(client.echo({ payload: new Uint8Array(17 << 20) }));
      expectFailure(large, {
        code: "ResourceExhausted",
        reason: "MESSAGE_TOO_LARGE",
        fault: "caller",
        says: [
          "probe.v1.ProbeService/Echo is larger than the 16777216 bytes that are allowed",
          "as a stream of smaller ones",
        ],
      });
      const answered = client.count({ count: 1, payloadBytes: 17 << 20 })[Symbol.asyncIterator]();
      expectFailure(await failureOf(answered.next()), {
        code: "ResourceExhausted",
        reason: "MESSAGE_TOO_LARGE",
        fault: "plugin",
        says: ["A response message of probe.v1.ProbeService/Count is larger than the 16777216 bytes"],
      });
    }
    expectFailure(await failureOf(client.echo({}, { headers: { "x-large": "y".repeat(20_000) } })), {
      code: "ResourceExhausted",
      reason: "METADATA_TOO_LARGE",
      fault: "caller",
      says: ["Metadata may have 16384 bytes; this has 2000", "Send data of that size in a message"],
    });
    expectFailure(await failureOf(client.echo({}, { headers: { "x-name": "grün" } })), {
      code: "InvalidArgument",
      reason: "METADATA_INVALID",
      fault: "caller",
      says: ['the value of "x-name" is not', "under a name that ends in -bin"],
    });
    const circle = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? "beta" : "alpha"));
    expectFailure(await failureOf(client.echo({ path: circle })), {
      code: "ResourceExhausted",
      reason: "CALL_DEPTH_EXCEEDED",
      fault: "caller",
      says: ["look for plugins that call each other in a circle"],
    });

    expect(await client.echo({ path: ["beta"], text: "well" })).toMatchObject({
      text: "well",
      plugin: "beta",
    });
    expect((await open.next()).value?.number).toBe(1);
    await open.return?.();
  });
});

describe("a call of nobody", () => {
  it("says who is there", async () => {
    const { host } = makeHost({ plugins: { base: { launch: launchAt("in-process", "base.plugin") } } });
    await host.start();
    const name: string = "bass";
    expectFailure(await failureOf(host.client(RightService, { plugin: name as "base" }).askRight({})), {
      code: "NotFound",
      reason: "UNKNOWN_PLUGIN",
      fault: "caller",
      says: ['there is no plugin "bass" to call probe.v1.RightService of; it is provided by base'],
    });
    expectFailure(await failureOf(host.client(ProbeService).echo({})), {
      code: "Unavailable",
      reason: "NO_PROVIDER",
      fault: "operator",
      says: ["no running plugin provides probe.v1.ProbeService", "add a plugin that does"],
    });
    expectFailure(await failureOf(host.restart(name as "base")), {
      code: "NotFound",
      reason: "UNKNOWN_PLUGIN",
      fault: "caller",
      says: ['there is no plugin "bass"; this host has base'],
    });
  });
});

describe("the options of a host", () => {
  const plugins = { base: { launch: inProcess({ entry: fixture("base.plugin") }) } };
  /** Made by somebody without a compiler. */
  const make = (options: unknown): Host => createHost(options as Parameters<typeof createHost>[0]);

  it.each([
    ["prefers: there is no such option", TypeError, { plugins, prefers: {} }],
    ["Base", TypeError, { plugins: { Base: plugins.base } }],
    [
      "plugins.base.launch: wanted inProcess(), worker() or childProcess()",
      TypeError,
      { plugins: { base: { launch: "./base.js" } } },
    ],
    [
      "plugins.base.essentail: there is no such option",
      TypeError,
      { plugins: { base: { ...plugins.base, essentail: false } } },
    ],
    [
      'prefer: there is no plugin "bass", but base',
      TypeError,
      { plugins, prefer: { "probe.v1.RightService": "bass" } },
    ],
    ["deadlines.startMs: wanted milliseconds above 0", RangeError, { plugins, deadlines: { startMs: 0 } }],
    ["deadlines.startUpMs: there is no such deadline", TypeError, { plugins, deadlines: { startUpMs: 1 } }],
  ] as const)("are checked: %s", (message, type, options) => {
    expect(() => make(options)).toThrow(type);
    expect(() => make(options)).toThrow(message);
  });
});

describe("a configuration", () => {
  async function run(text: string, files: Readonly<Record<string, string>> = {}) {
    const cwd = makeTemporaryDirectory();
    for (const [name, content] of Object.entries({ "connect-plugin.yaml": text, ...files })) {
      writeFileSync(join(cwd, name), content);
    }
    const [people, programs] = await Promise.all([
      runCommand(["run"], { cwd }),
      runCommand(["run", "--json"], { cwd }),
    ]);
    // Nothing was begun.
    expect(readdirSync(cwd).sort()).toEqual(["connect-plugin.yaml", ...Object.keys(files)].sort());
    expect([people.code, programs.code]).toEqual([2, 2]);
    const [record] = jsonLines(programs.stderr) as { error: { reason: string } }[];
    expect(record?.error.reason).toBe("CONFIG_INVALID");
    return people.stderr;
  }

  it.each([
    ["is no YAML", "plugins: [\n", ["connect-plugin.yaml:", "not valid YAML"]],
    [
      "has an unknown key",
      "plugins:\n  kv:\n    entry: ./kv.js\n    distnce: worker\n",
      ["4:14", 'did you mean "distance"?'],
    ],
    [
      "has a wrong type",
      "plugins:\n  kv: { entry: ./kv.js, essential: sometimes }\n",
      ["plugins.kv.essential", "wanted a boolean, found a text"],
    ],
    ["has no plugins", "name: shop\n", ["plugins", "is missing; wanted keys with values"]],
    [
      "wants a secret that is not there",
      "plugins:\n  kv: { entry: ./kv.js, config: { key: { $secret: { env: E2E_NO_SUCH_VARIABLE } } } }\n",
      ["plugins.kv.config.key", "E2E_NO_SUCH_VARIABLE"],
    ],
    [
      "names a secret's file that is not there",
      "plugins:\n  kv: { entry: ./kv.js, config: { key: { $secret: { file: ./none.txt } } } }\n",
      ["plugins.kv.config.key", "none.txt"],
    ],
  ] as const)("that %s is refused", async (_, text, says) => {
    const stderr = await run(text);
    for (const part of says) expect(stderr).toContain(part);
  });

  it("that is not there is asked for", async () => {
    const cwd = makeTemporaryDirectory();
    const { code, stderr } = await runCommand(["run", "none.yaml"], { cwd });
    expect(code).toBe(2);
    expect(stderr).toContain("none.yaml");
    expect(stderr).toContain("there is no such file");
  });

  it("whose plugin file is not there is refused, and leaves nothing", async () => {
    const cwd = makeTemporaryDirectory();
    writeFileSync(join(cwd, "connect-plugin.yaml"), "plugins:\n  kv: { entry: ./not-built.js }\n");
    const { code, stderr } = await runCommand(["run", "--json"], { cwd });
    expect(code).toBe(3);
    const [record] = jsonLines(stderr) as { error: { reason: string; fault: string; message: string } }[];
    expect(record?.error).toMatchObject({
      reason: "PLUGIN_FILE_MISSING",
      fault: "operator",
      code: "not_found",
    });
    expect(record?.error.message).toContain(`wanted its file at ${join(cwd, "not-built.js")}, found nothing`);
    expect(existsSync(join(cwd, ".connect-plugin", "operator.sock"))).toBe(false);
  });
});

describe("the operator's socket", () => {
  const text = `plugins:\n  base: { entry: ${JSON.stringify(fixture("base.plugin").href)}, distance: worker }\ndeadlines: { launchMs: 120000, handshakeMs: 120000 }\n`;

  function makeConfig(directory: string): string {
    const file = join(directory, "connect-plugin.yaml");
    writeFileSync(file, text);
    return file;
  }

  async function startHost(file: string, env: Readonly<Record<string, string>> = {}) {
    const program = startCommand(["run", file, "--json"], { env });
    expect(JSON.parse(await program.nextLine())).toMatchObject({ type: "host.ready" });
    return program;
  }

  async function expectRefusal(
    file: string,
    reason: string,
    says: readonly string[],
    env = {},
  ): Promise<void> {
    const { code, stderr, stdout } = await runCommand(["run", file, "--json"], { env });
    expect(stdout).not.toContain("host.ready");
    expect(code).toBe(3);
    const [record] = jsonLines(stderr) as { error: { message: string } }[];
    expect(record?.error).toMatchObject({ reason, fault: "operator", code: "failed_precondition" });
    for (const part of says) expect(record?.error.message).toContain(part);
  }

  it("is opened elsewhere where its path would be too long, and found there", async () => {
    const deep = join(makeTemporaryDirectory(), "deep-".repeat(12), "deeper-".repeat(12));
    mkdirSync(deep, { recursive: true });
    const file = makeConfig(deep);
    const program = await startHost(file);
    expect(existsSync(join(deep, ".connect-plugin", "operator.path"))).toBe(true);
    const { code, stdout } = await runCommand(["list", "--config", file, "--json"]);
    expect(code).toBe(0);
    expect(jsonLines(stdout)).toMatchObject([{ name: "base", state: "ready" }]);
    program.process.kill("SIGTERM");
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(readdirSync(join(deep, ".connect-plugin"))).toEqual([]);
  });

  it("is refused where no short path can be had", async () => {
    const deep = join(makeTemporaryDirectory(), "deep-".repeat(12), "deeper-".repeat(12));
    mkdirSync(deep, { recursive: true });
    await expectRefusal(
      makeConfig(deep),
      "SOCKET_PATH",
      ["needs a path of at most 103 bytes", "set TMPDIR to a shorter path"],
      {
        TMPDIR: deep,
      },
    );
    expect(readdirSync(deep).sort()).toEqual([".connect-plugin", "connect-plugin.yaml"]);
  });

  it("is refused in a directory that others may enter", async () => {
    const directory = makeTemporaryDirectory();
    const file = makeConfig(directory);
    const open = join(directory, ".connect-plugin");
    mkdirSync(open);
    chmodSync(open, 0o755);
    await expectRefusal(file, "DIRECTORY_NOT_PRIVATE", ["its mode is 755", `chmod 700 ${open}`]);
    // Nobody looks for a host there, either.
    const listed = await runCommand(["list", "--config", file]);
    expect(listed.code).toBe(1);
    expect(listed.stderr).toContain("DIRECTORY_NOT_PRIVATE");
    chmodSync(open, 0o700);
    const program = await startHost(file);
    program.process.kill("SIGINT");
    expect(await program.ended).toMatchObject({ code: 0 });
  });

  it("is refused behind a link", async () => {
    const directory = makeTemporaryDirectory();
    const file = makeConfig(directory);
    const elsewhere = join(directory, "elsewhere");
    mkdirSync(elsewhere, { mode: 0o700 });
    symlinkSync(elsewhere, join(directory, ".connect-plugin"));
    await expectRefusal(file, "DIRECTORY_NOT_PRIVATE", ["it is no directory"]);
  });

  it("of a host that was killed is taken over", async () => {
    const directory = makeTemporaryDirectory();
    const file = makeConfig(directory);
    const killed = await startHost(file);
    killed.process.kill("SIGKILL");
    await killed.ended;
    const socket = join(directory, ".connect-plugin", "operator.sock");
    expect(existsSync(socket)).toBe(true);
    // Nobody answers there.
    const listed = await runCommand(["list", "--config", file]);
    expect(listed.code).toBe(4);
    expect(listed.stderr).toContain(
      `no host is running for ${file}; start it with: connect-plugin run ${file}`,
    );
    const program = await startHost(file);
    expect((await runCommand(["list", "--config", file])).code).toBe(0);
    program.process.kill("SIGTERM");
    expect(await program.ended).toMatchObject({ code: 0 });
    expect(existsSync(socket)).toBe(false);
  });

  it("of a host that runs is left alone", async () => {
    const file = makeConfig(makeTemporaryDirectory());
    const program = await startHost(file);
    await expectRefusal(file, "HOST_ALREADY_RUNNING", [
      "a host runs already",
      "stop it first (connect-plugin stop)",
    ]);
    const listed = await runCommand(["list", "--config", file, "--json"]);
    expect(jsonLines(listed.stdout)).toMatchObject([{ name: "base", state: "ready" }]);
    expect(isRunning(program.pid)).toBe(true);
    program.process.kill("SIGTERM");
    expect(await program.ended).toMatchObject({ code: 0 });
  });
});
