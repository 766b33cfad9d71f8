// The built command, as people and programs meet it.
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { jsonLines, runCommand, startCommand } from "./support/command.js";
import { fixture } from "./support/launch-at.js";
import { bePatient } from "./support/patience.js";
import { childrenOf, isRunning } from "./support/process-table.js";
import type { RunningProgram } from "./support/run-program.js";
import { makeTemporaryDirectory } from "./support/temporary-directory.js";
import { until } from "./support/until.js";

bePatient();

const entry = (name: string) => JSON.stringify(fixture(name).href);
const DEADLINES = "deadlines: { launchMs: 120000, handshakeMs: 120000, startMs: 120000 }\n";
const PLUGINS = `name: shop
${DEADLINES}plugins:
  probe: { entry: ${entry("probe.plugin")} }
  base: { entry: ${entry("base.plugin")}, distance: worker }
  middle: { entry: ${entry("middle.plugin")}, distance: in-process }
  writer: { entry: ${entry("diarist.plugin")}, essential: false }
`;

describe("help", () => {
  it.each(["run", "list", "status", "call", "watch", "restart", "stop", "schema"])(
    "of %s has an example",
    async (command) => {
      const { code, stdout, stderr } = await runCommand([command, "--help"]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).toContain(`Usage: connect-plugin ${command}`);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n(.*\\n)*?  .*connect-plugin ${command}`));
    },
  );

  it("of the whole lists the commands and the exit codes", async () => {
    const { code, stdout } = await runCommand(["--help"]);
    expect(code).toBe(0);
    for (const part of ["Examples:", "Exit codes:", "130", "run [options] [config]"]) {
      expect(stdout).toContain(part);
    }
  });

  it("is offered for a wrong command line, which changes nothing", async () => {
    const wrong = [["runn"], ["list", "--jsno"], ["call"], ["call", "nonsense"], ["restart"]];
    for (const { code, stderr } of await Promise.all(wrong.map((args) => runCommand(args)))) {
      expect([code, stderr]).toEqual([2, expect.stringContaining("error:")]);
    }
  });

  it("for editors is a JSON Schema", async () => {
    const { code, stdout } = await runCommand(["schema"]);
    expect(code).toBe(0);
    const schema = JSON.parse(stdout) as { properties: object; additionalProperties: boolean };
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(["name", "plugins", "prefer", "deadlines"]),
    );
    expect(schema.additionalProperties).toBe(false);
  });
});

describe("with a host that runs", () => {
  let directory: string;
  let host: RunningProgram;
  beforeAll(async () => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), "e2e-")));
    writeFileSync(join(directory, "connect-plugin.yaml"), PLUGINS);
    host = startCommand(["run", "--json"], { cwd: directory, outlivesTest: true });
    await host.nextLine();
  });
  afterAll(async () => {
    host.process.kill("SIGKILL");
    await host.ended;
    rmSync(directory, { recursive: true });
  });

  const command = async (args: readonly string[], stdin = "") =>
    await runCommand(args, { cwd: directory, stdin });
  /** A command that succeeds, with its JSON lines. */
  async function ask(...args: string[]) {
    const { code, stdout, stderr } = await command([...args, "--json"]);
    expect([code, stderr]).toEqual([0, ""]);
    return jsonLines(stdout);
  }
  /** A command that fails, with what it says to programs. */
  async function refuse(code: number, ...args: string[]) {
    const result = await command([...args, "--json"]);
    expect([result.code, result.stdout]).toEqual([code, ""]);
    const [record] = jsonLines(result.stderr) as { error: Record<string, unknown> }[];
    return record?.error;
  }

  it("run --json says first that it is ready", () => {
    const first = JSON.parse(host.lines[0] ?? "") as { plugins: object[] };
    expect(first).toMatchObject({ type: "host.ready", hostId: expect.stringMatching(/^shop-/) });
    expect(first.plugins).toEqual(
      ["probe", "base", "middle", "writer"].map((name) => ({ name, status: "running" })),
    );
  });

  it("list shows plugins, services and traffic", async () => {
    const people = await command(["list"]);
    expect(people.code).toBe(0);
    expect(people.stderr).toMatch(/^host shop-\w+ is running \(pid \d+, since /);
    expect(people.stdout).toMatch(/^PLUGIN +STATE +DISTANCE +VERSION/);
    expect(people.stdout).toMatch(/^base +ready +worker +1\.0\.0 .* probe\.v1\.RightService$/m);

    const plugins = await ask("list");
    expect(plugins.map(({ name, state, distance, tier }) => [name, state, distance, tier])).toEqual([
      ["base", "ready", "worker", "trusted"],
      ["middle", "ready", "in-process", "trusted"],
      ["probe", "ready", "child-process", "crash-boundary"],
      ["writer", "ready", "child-process", "crash-boundary"],
    ]);
    expect(plugins[2]).toMatchObject({ package: "probe", version: "1.0.0", restarts: 0, essential: true });

    expect(await ask("list", "--services")).toMatchObject([
      { service: "probe.v1.LeftService", plugin: "middle", version: "1.0.0", state: "ready" },
      { service: "probe.v1.ProbeService", plugin: "probe" },
      { service: "probe.v1.RightService", plugin: "base", methods: [{ name: "AskRight" }] },
    ]);
    // It called while it started.
    expect(await ask("list", "--traffic")).toContainEqual(
      expect.objectContaining({
        caller: "middle",
        provider: "base",
        service: "probe.v1.RightService",
        method: "AskRight",
        distance: "worker",
        calls: "1",
        errors: "0",
      }),
    );
  });

  it("status shows all that is known", async () => {
    const people = await command(["status", "middle"]);
    expect(people.code).toBe(0);
    for (const line of [
      /^plugin +middle$/m,
      /^state +ready/m,
      /^requires +probe\.v1\.RightService \^1\.0\.0$/m,
    ]) {
      expect(people.stdout).toMatch(line);
    }
    const [probe] = await ask("status", "probe");
    expect(isRunning(Number(probe?.pid))).toBe(true);
    expect(await ask("status")).toHaveLength(4);
    expect(await refuse(1, "status", "mddle")).toMatchObject({ reason: "UNKNOWN_PLUGIN" });
    expect((await command(["status", "mddle"])).stderr).toContain("did you mean middle?");
  });

  it("call makes calls of all kinds, with headers and a deadline", async () => {
    const service = "probe.v1.ProbeService";
    expect(await ask("call", `${service}/Echo`, "--data", '{"text":"hello","payload":"aGk="}')).toMatchObject(
      [{ text: "hello", payload: "aGk=", plugin: "probe" }],
    );
    expect(await ask("call", `${service}/Count`, "--data", '{"count":3}')).toEqual([
      {},
      { number: 1 },
      { number: 2 },
    ]);
    const sum = await command(
      ["call", `${service}/Sum`, "--data", "-"],
      '{"number":"40"}\n\n{"number":"2"}\n',
    );
    expect(JSON.parse(sum.stdout)).toEqual({ sum: "42", messages: 2 });
    expect(await ask("call", `/${service}/Chat`, "--data", '{"text":"a"}', "--data", '{"text":"b"}')).toEqual(
      [{ text: "a" }, { text: "b" }],
    );

    const looked = await ask(
      ...["call", `${service}/Look`, "--header", "X-Colour: green", "--timeout", "20s", "--plugin", "probe"],
    );
    const [seen] = looked as { headers: object; remainingMs: number; caller: object }[];
    expect(seen).toMatchObject({ headers: { "x-colour": "green" }, caller: { kind: "operator" } });
    expect(seen?.remainingMs).toBeLessThanOrEqual(20_000);
    const verbose = await command(["call", `${service}/Echo`, "--header", "probe-a: b", "--verbose"]);
    expect(verbose.stderr).toContain("probe-a: b");
    expect(verbose.stderr).toContain("probe-last-a: b");
  });

  it("call says what went wrong, in words and for programs", async () => {
    const service = "probe.v1.ProbeService";
    const fail = ["call", `${service}/Fail`, "--data", '{"kind":"FAILURE_KIND_APPLICATION"}'];
    const people = await command(fail);
    expect([people.code, people.stdout]).toEqual([1, ""]);
    expect(people.stderr).toContain("failed_precondition: not enough apples");
    expect(await refuse(1, ...fail)).toMatchObject({
      code: "failed_precondition",
      message: "not enough apples",
    });
    expect(await refuse(1, "call", `${service}/Wait`, "--timeout", "300ms")).toMatchObject({
      code: "deadline_exceeded",
      reason: "DEADLINE_EXCEEDED",
      fault: "caller",
    });
    expect(await refuse(1, "call", `${service}/Ecko`)).toMatchObject({
      reason: "UNKNOWN_METHOD",
      message: expect.stringContaining("did you mean Echo?"),
    });
    expect(await refuse(1, "call", "probe.v1.ProbService/Echo")).toMatchObject({
      reason: "NO_PROVIDER",
      message: expect.stringContaining("did you mean probe.v1.ProbeService?"),
    });
    expect(await refuse(1, "call", `${service}/Echo`, "--data", '{"txt":"x"}')).toMatchObject({
      code: "invalid_argument",
      reason: "MESSAGE_INVALID",
      fault: "caller",
      message: expect.stringContaining("its fields are path, tag, text, payload"),
    });
    expect(await refuse(2, "call", `${service}/Echo`, "--data", "{oops")).toMatchObject({
      message: expect.stringContaining("--data is not JSON"),
    });
    expect(await refuse(2, "call", `${service}/Count`, "--data", "{}", "--data", "{}")).toMatchObject({
      message: `${service}/Count takes one request message, found 2 times --data; call it once for each`,
    });
  });

  it("watch knows the plugins", async () => {
    expect(await refuse(1, "watch", "bsae")).toMatchObject({
      reason: "UNKNOWN_PLUGIN",
      message: 'no plugin is called "bsae"; did you mean base?',
    });
  });

  it("watch tells of a restart, and a second of the host's end", async () => {
    const watch = startCommand(["watch", "base", "--json"], { cwd: directory });
    const second = startCommand(["watch"], { cwd: directory });
    // What happened before the watch is not told: so something is made to happen until it is.
    await until("the watches see something", async () => {
      const [plugin] = await ask("restart", "base");
      expect(plugin).toMatchObject({ name: "base", state: "ready" });
      return watch.lines.length > 0 && second.lines.length > 0;
    });
    await until("it tells that base is ready", () =>
      jsonLines(watch.stdout).some(({ kind }) => kind === "instance.ready"),
    );
    for (const event of jsonLines(watch.stdout)) {
      expect(event).toMatchObject({ plugin: "base", time: expect.any(String), message: expect.any(String) });
    }
    expect(second.stdout).toContain("instance.ready");
    watch.process.kill("SIGINT");
    expect(await watch.ended).toMatchObject({ code: 0, stderr: "" });

    const people = await command(["restart", "base"]);
    expect(people).toMatchObject({ code: 0, stdout: "base is ready again\n" });
    expect(await refuse(1, "restart", "bass")).toMatchObject({ code: "not_found", reason: "UNKNOWN_PLUGIN" });
    second.process.kill("SIGTERM");
    expect(await second.ended).toMatchObject({ code: 0 });
  });

  it("stop ends the host and all that it started", async () => {
    const children = childrenOf(host.pid);
    expect(children).toHaveLength(2);
    const watch = startCommand(["watch", "--json"], { cwd: directory });
    await until("the watch sees something", async () => {
      await ask("restart", "base");
      return watch.lines.length > 0;
    });
    expect(await ask("stop", "--grace", "5s")).toEqual([{ stopped: true }]);
    expect(await host.ended).toMatchObject({ code: 0, signal: null });
    expect(await watch.ended).toMatchObject({ code: 0 });
    for (const child of children) expect(isRunning(child)).toBe(false);
    expect(jsonLines(host.stdout).at(-1)).toMatchObject({ type: "host.stopped" });
    expect(existsSync(join(directory, ".connect-plugin", "operator.sock"))).toBe(false);
  });
});

describe("without a host", () => {
  it.each([
    ["list"],
    ["status"],
    ["call", "probe.v1.ProbeService/Echo"],
    ["watch"],
    ["restart", "base"],
    ["stop"],
  ])("%s says that there is none, and how to start one", async (...args) => {
    const cwd = makeTemporaryDirectory();
    const config = join(cwd, "connect-plugin.yaml");
    const people = await runCommand(args, { cwd });
    expect([people.code, people.stdout]).toEqual([4, ""]);
    expect(people.stderr).toContain(
      `no host is running for ${config}; start it with: connect-plugin run ${config}`,
    );
    const programs = await runCommand([...args, "--json"], { cwd });
    expect(programs.code).toBe(4);
    expect(jsonLines(programs.stderr)).toMatchObject([{ error: { reason: "HOST_NOT_RUNNING" } }]);
  });
});

describe("run", () => {
  it("shows a line for each plugin, then what they write, with their names", async () => {
    const cwd = makeTemporaryDirectory();
    writeFileSync(join(cwd, "shop.yaml"), PLUGINS);
    const program = startCommand(["run", "shop.yaml"], { cwd });
    await until("every plugin has its line", () => program.lines.length === 4);
    expect(program.lines[0]).toMatch(/^probe +running +child-process +probe\.v1\.ProbeService 1\.0\.0$/);
    expect(program.lines[1]).toMatch(/^base +running +worker +probe\.v1\.RightService 1\.0\.0$/);
    await until("the log has come", () => program.stderr.includes("writer | warn: by capability"));
    expect(existsSync(join(cwd, ".connect-plugin-shop", "operator.sock"))).toBe(true);
    const children = childrenOf(program.pid);
    expect(children).toHaveLength(2);
    program.process.kill("SIGTERM");
    const { code, stderr } = await program.ended;
    expect(code).toBe(0);
    expect(stderr).toContain("SIGTERM: stopping; once more ends it at once");
    expect(stderr).toContain("the host has stopped");
    for (const child of children) expect(isRunning(child)).toBe(false);
  });

  it("ends at once at the second signal, and its children with it", async () => {
    const cwd = makeTemporaryDirectory();
    const spinning = `plugins:\n  hazard: { entry: ${entry("hazard.plugin")} }\ndeadlines: { drainMs: 600000 }\n`;
    writeFileSync(join(cwd, "connect-plugin.yaml"), spinning);
    const program = startCommand(["run", "--json"], { cwd });
    await program.nextLine();
    const [child] = childrenOf(program.pid);
    const method = "probe.v1.HazardService/Misbehave";
    const spun = await runCommand(["call", method, "--data", '{"how":"MISBEHAVIOUR_SPIN"}'], { cwd });
    expect(JSON.parse(spun.stdout)).toEqual({ pid: child });
    program.process.kill("SIGINT");
    await until("it is stopping", () =>
      jsonLines(program.stdout).some(({ type }) => type === "host.stopping"),
    );
    program.process.kill("SIGINT");
    expect(await program.ended).toMatchObject({ code: 130 });
    await until("its child is gone", () => child !== undefined && !isRunning(child));
  });

  it("does not start without an essential plugin, and says why", async () => {
    const cwd = makeTemporaryDirectory();
    const text = `plugins:\n  unlucky: { entry: ${entry("broken/throws-in-start.plugin")} }\n`;
    writeFileSync(join(cwd, "connect-plugin.yaml"), text);
    const people = await runCommand(["run"], { cwd });
    expect([people.code, people.stdout]).toEqual([3, ""]);
    expect(people.stderr).toContain("no database at localhost:5432");
    expect(people.stderr).toContain("fault: plugin");
    const programs = await runCommand(["run", "--json"], { cwd });
    expect(programs.code).toBe(3);
    expect(jsonLines(programs.stderr)).toMatchObject([
      { error: { reason: "START_FAILED", fault: "plugin" } },
    ]);
  });
});
