import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { describeExit, describeValue } from "@connect-plugin/protocol";
import { bootstrapFile } from "./bootstrap-file.js";
import { launchCarried } from "./carried-launch.js";
import { type Carrier, type CarrierEnd, KILL_LIMIT_MS, type TellOutput } from "./carrier.js";
import { type CarrierEnvironment, carrierEnvironment, checkEnvironment } from "./carrier-environment.js";
import { type EntryFile, entryFile } from "./entry-file.js";
import type { Launch } from "./launch.js";
import { notStarted } from "./launch-failure.js";
import { createOutputReader } from "./output-reader.js";
import { createSocketPipe } from "./pipe/socket-pipe.js";

export interface ChildProcessOptions {
  /** The plugin file: a path, relative to the working directory of the host, or a `file:` URL. */
  readonly entry: string | URL;
  /** The Node that runs it. Default: the one that runs the host. */
  readonly execPath?: string;
  /** Arguments of Node itself, such as `--max-old-space-size=256`. Default: none, also if the host has some. */
  readonly execArgv?: readonly string[];
  /**
   * What the plugin gets of the host's environment beside PATH, HOME, USER, LOGNAME, TMPDIR, LANG, LANGUAGE, LC_*, TZ
   * and NODE_ENV: names of more variables, or variables with their values (undefined takes one away). Default: nothing.
   */
  readonly env?: CarrierEnvironment;
  /** The working directory of the plugin. Default: the host's. */
  readonly cwd?: string | URL;
  /**
   * Lets the plugin outlive a host that is killed, if it is stuck and does not notice. Saves a thread and about 9 MB
   * in each child. Default false.
   */
  readonly allowOrphans?: boolean;
}

/**
 * Runs a plugin in a Node process of its own: a boundary for crashes and memory, but not for security, as it runs
 * under the same user. It leads a process group, which is ended with it, and a terminal's Ctrl-C does not reach it.
 *
 * @throws TypeError if an option is not what its type says
 */
export function childProcess(options: ChildProcessOptions): Launch {
  const file = entryFile("childProcess: entry", options.entry);
  const command = readOptions(options);
  return {
    distance: "child-process",
    describe: file.path,
    launch: (request) =>
      launchCarried((tell) => openChild(request.boot.plugin, file, command, tell), file, request),
  };
}

interface Command {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly env: CarrierEnvironment;
  readonly cwd: string | undefined;
  readonly guarded: boolean;
}

function readOptions(options: ChildProcessOptions): Command {
  const { execPath = process.execPath, execArgv = [], cwd, allowOrphans = false } = options;
  checkText("execPath", execPath);
  if (!Array.isArray(execArgv)) throw mustBe("execArgv", "an array of texts", execArgv);
  for (const argument of execArgv) checkText("execArgv", argument);
  if (cwd !== undefined && !(cwd instanceof URL)) checkText("cwd", cwd);
  if (typeof allowOrphans !== "boolean") throw mustBe("allowOrphans", "true or false", allowOrphans);
  return {
    execPath,
    execArgv,
    env: checkEnvironment("childProcess: env", options.env),
    cwd: cwd instanceof URL ? fileURLToPath(cwd) : cwd,
    guarded: !allowOrphans,
  };
}

function checkText(option: string, value: unknown): void {
  if (typeof value !== "string" || value === "" || value.includes("\0"))
    throw mustBe(option, "a text", value);
}

function mustBe(option: string, wanted: string, value: unknown): TypeError {
  return new TypeError(`childProcess: ${option} must be ${wanted}, but is ${describeValue(value)}`);
}

async function openChild(
  plugin: string,
  file: EntryFile,
  command: Command,
  tell: TellOutput,
): Promise<Carrier> {
  const child = await spawnNode(plugin, file, command);
  return createChildCarrier(
    child,
    socketOf(child, 3),
    command.guarded ? socketOf(child, 4) : undefined,
    tell,
  );
}

async function spawnNode(plugin: string, file: EntryFile, command: Command): Promise<ChildProcess> {
  const { execPath, execArgv, env, cwd, guarded } = command;
  const script = fileURLToPath(bootstrapFile("child-bootstrap"));
  let child: ChildProcess | undefined;
  try {
    child = spawn(execPath, [...execArgv, script, plugin, file.path, ...(guarded ? ["guarded"] : [])], {
      cwd,
      env: carrierEnvironment(env),
      // A group of its own: it can be ended with all that it has started, and no terminal talks to it.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "pipe", guarded ? "pipe" : "ignore"],
    });
    await once(child, "spawn");
    return child;
  } catch (error) {
    for (const stream of child?.stdio ?? []) stream?.destroy();
    throw notStarted(plugin, await whyNotSpawned(command, error as Error));
  }
}

/** The system says "not found" alike of the program and of the directory. */
async function whyNotSpawned({ execPath, cwd }: Command, error: Error): Promise<string> {
  if (cwd !== undefined) {
    const found = await stat(cwd).catch(() => undefined);
    if (found === undefined) return `wanted its working directory ${cwd}, found nothing; correct cwd`;
    if (!found.isDirectory()) return `wanted a working directory, found a file at ${cwd}; correct cwd`;
  }
  const program = await stat(execPath).catch(() => undefined);
  if (program === undefined && execPath.includes("/")) {
    return `wanted Node at ${execPath}, found nothing; correct execPath`;
  }
  return `${execPath} cannot be run: ${error.message}`;
}

function socketOf(child: ChildProcess, index: 3 | 4): Socket {
  const stream: unknown = child.stdio[index];
  if (stream instanceof Socket) return stream;
  throw new TypeError(`wanted a socket to descriptor ${index} of the child, found ${describeValue(stream)}`);
}

function createChildCarrier(
  child: ChildProcess,
  lane: Socket,
  guard: Socket | undefined,
  tell: TellOutput,
): Carrier {
  const pid = child.pid!;
  const stdout = createOutputReader(child.stdout!, (line) => tell("stdout", line));
  const stderr = createOutputReader(child.stderr!, (line) => tell("stderr", line));
  let state: "running" | "killed" | "gone" = "running";
  let giveUp: NodeJS.Timeout | undefined;
  let settle: (end: CarrierEnd) => void = () => {};
  const gone = new Promise<CarrierEnd>((resolve) => {
    settle = resolve;
  });

  child.on("error", () => {
    // A signal could not be sent. Whether it has ended is told by its exit.
  });
  child.once("exit", (code, signal) => {
    state = "gone";
    clearTimeout(giveUp);
    // Whatever it has started and left behind. Its number cannot be another's yet: that takes a turn of all numbers.
    killGroup(pid);
    settle({
      exit: { kind: "process", code, signal },
      words: describeExit(code, signal),
      leaked: false,
    });
  });
  // Its end is what ends an orphan. Nothing comes from there, and what breaks it is the child's end.
  guard?.on("error", () => {});
  guard?.resume();

  async function end(): Promise<CarrierEnd> {
    const ending = await gone;
    await Promise.all([stdout.finish(), stderr.finish()]);
    guard?.destroy();
    return ending;
  }

  return {
    pipe: createSocketPipe(lane),
    pid,
    ended: end(),
    terminate() {
      if (state === "running") child.kill("SIGTERM");
    },
    kill() {
      if (state !== "running") return;
      state = "killed";
      killGroup(pid);
      giveUp = setTimeout(() => {
        child.unref();
        settle({
          exit: { kind: "process", code: null, signal: null },
          words: `is still there ${KILL_LIMIT_MS} ms after SIGKILL, as process ${pid}`,
          leaked: true,
        });
      }, KILL_LIMIT_MS);
    },
  };
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}
