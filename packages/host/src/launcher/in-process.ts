import {
  type CallFailure,
  type Connection,
  checkEntry,
  createFailure,
  describeValue,
  type PluginEntry,
  type RunningPlugin,
} from "@connect-plugin/protocol";
import { failureError, toFailure } from "@connect-plugin/rpc";
import { createDirectWay, type DirectWay, wayClosed } from "./direct-way.js";
import { type EntryFile, entryFile, requireEntryFile } from "./entry-file.js";
import type { ConfiguredEntry, Launch } from "./launch.js";
import { givenUp, refused } from "./launch-failure.js";
import type { Launched, LaunchRequest } from "./launcher.js";
import { untilAborted } from "./until-aborted.js";
import { within } from "./within.js";

/** How long a plugin may take to stop once its connection has ended; after that it is left to itself. */
const STOP_LIMIT_MS = 1_500;

/** Where an in-process plugin comes from: itself, something that loads its module, or its file. */
export type InProcessSource<Config> =
  | ConfiguredEntry<Config>
  | (() => Promise<{ readonly default: ConfiguredEntry<Config> }>)
  | { readonly entry: string | URL };

export interface InProcessOptions {
  /** What it is called where its launcher is shown. Default: the file, else `in this process`. */
  readonly describe?: string;
}

/**
 * Runs a plugin in the host's own process: the fastest calls, and no boundary at all. For trusted code only; a loop in
 * it blocks the host, and what it does not stop by itself nobody can stop.
 *
 * @throws TypeError if the source is none
 */
export function inProcess<Config = unknown>(
  source: InProcessSource<Config>,
  options: InProcessOptions = {},
): Launch<Config> {
  const { file, name, load } = readSource(source);
  const describe = options.describe ?? name;
  return {
    distance: "in-process",
    describe,
    async launch(request) {
      const { plugin } = request.boot;
      if (request.signal.aborted) throw givenUp(plugin, request.signal, "nothing had been started");
      if (file !== undefined) await requireEntryFile(plugin, file);
      return runEntry(await loadEntry(load, describe, request), request);
    },
  };
}

interface Source {
  readonly file: EntryFile | undefined;
  readonly name: string;
  load(): Promise<unknown>;
}

function readSource(source: unknown): Source {
  if (typeof source === "function") {
    return {
      file: undefined,
      name: "in this process",
      load: async () => ((await source()) as { readonly default?: unknown } | undefined)?.default,
    };
  }
  if (typeof source === "object" && source !== null && "$connectPlugin" in source) {
    return { file: undefined, name: "in this process", load: async () => source };
  }
  if (typeof source === "object" && source !== null && "entry" in source) {
    const file = entryFile("inProcess: entry", source.entry);
    return {
      file,
      name: file.path,
      load: async () => ((await import(file.url)) as { readonly default?: unknown }).default,
    };
  }
  throw new TypeError(
    `inProcess: wanted a plugin, a function that imports its module or { entry: file }, found ${describeValue(source)}`,
  );
}

async function loadEntry(
  load: () => Promise<unknown>,
  name: string,
  { boot: { plugin }, signal }: LaunchRequest,
): Promise<PluginEntry> {
  const loading = load().then(
    (exported) => ({ exported }),
    (error: unknown) => ({ error }),
  );
  const loaded = await untilAborted(signal, loading);
  if (loaded === undefined) throw givenUp(plugin, signal, `${name} was being imported`);
  if ("error" in loaded) throw refused(plugin, name, importFailure(loaded.error));
  const check = lookAt(loaded.exported, name);
  if ("error" in check) {
    const message = `${name} is not a plugin: its default export cannot be read: ${firstLine(check.error)}`;
    throw refused(plugin, name, { reason: "NOT_A_PLUGIN", message });
  }
  if (check.ok) return check.entry;
  const { info, message } = check.failure;
  throw refused(plugin, name, { reason: info?.reason ?? "NOT_A_PLUGIN", message });
}

/** Looking at what a file exports may run code of its own, and that may throw. */
function lookAt(
  exported: unknown,
  name: string,
): ReturnType<typeof checkEntry> | { readonly error: unknown } {
  try {
    return checkEntry(exported, name);
  } catch (error) {
    return { error };
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : describeValue(error)).slice(0, 1_000);
}

function importFailure(error: unknown) {
  const reason = "IMPORT_FAILED";
  if (!(error instanceof Error)) return { reason, message: describeValue(error) } as const;
  return { reason, message: error.message, stack: error.stack ?? "" } as const;
}

/** How an entry's `run` came out. */
type Run =
  | { readonly ok: true; readonly running: RunningPlugin }
  | { readonly ok: false; readonly error: unknown };

async function runEntry(entry: PluginEntry, request: LaunchRequest): Promise<Launched> {
  const { boot, signal, handler } = request;
  const { plugin } = boot;
  const way = createDirectWay(handler);
  const run = startRun(entry, way, request);
  const connection = await untilAborted(signal, Promise.race([way.connected, run]));
  if (connection === undefined) {
    way.close(wayClosed(plugin, "its launch was given up"));
    stopWhenRunning(run);
    throw givenUp(plugin, signal, "it had not connected to the host");
  }
  if ("ok" in connection) {
    way.close(wayClosed(plugin, "its launch failed"));
    stopWhenRunning(run);
    throw neverConnected(plugin, connection);
  }
  return createLaunched(plugin, entry, connection, run);
}

async function startRun(
  entry: PluginEntry,
  { link }: DirectWay,
  { boot, output }: LaunchRequest,
): Promise<Run> {
  try {
    return { ok: true, running: await entry.$connectPlugin.run(link, boot) };
  } catch (error) {
    // A process would have written it to stderr.
    for (const line of textOf(error).slice(0, 8_192).split("\n").slice(0, 50)) output("stderr", line);
    return { ok: false, error };
  }
}

function stopWhenRunning(run: Promise<Run>): void {
  void run.then((result) => {
    if (result.ok) result.running.stop("its launch was given up");
  });
}

function neverConnected(plugin: string, run: Run): Error {
  const problem = run.ok ? "its run() came back" : `its run() failed: ${textOf(run.error)}`;
  return failureError(
    "LAUNCH_FAILED",
    `plugin "${plugin}": ${problem} before it had connected to the host; the SDK that it was built with is at fault`,
    { fault: "plugin", facts: { plugin } },
  );
}

function createLaunched(
  plugin: string,
  entry: PluginEntry,
  connection: Connection,
  run: Promise<Run>,
): Launched {
  let trouble: CallFailure | undefined;
  let forget: () => void = () => {};
  const forgotten = new Promise<void>((resolve) => {
    forget = resolve;
  });

  async function stopped(): Promise<void> {
    const result = await run;
    if (result.ok) {
      const { reason } = await result.running.stopped;
      connection.close(wayClosed(plugin, reason));
      return;
    }
    trouble = toFailure(result.error, "HANDSHAKE_INVALID");
    connection.close(trouble);
  }

  async function end() {
    const stopping = stopped();
    await connection.closed;
    if (!(await within(STOP_LIMIT_MS, Promise.race([forgotten, stopping])))) trouble ??= wouldNotStop(plugin);
    return { kind: "in-process" } as const;
  }

  const exited = end();
  return {
    manifest: entry.$connectPlugin.manifest,
    connection,
    pid: undefined,
    exited,
    terminate() {
      void run.then((result) => {
        if (result.ok) result.running.stop("the host asked it to end");
      });
    },
    async kill() {
      connection.close(wayClosed(plugin, "the host ended it"));
      forget();
      await exited;
    },
    get trouble() {
      return trouble;
    },
  };
}

function wouldNotStop(plugin: string): CallFailure {
  return createFailure(
    "STOP_TIMEOUT",
    `plugin "${plugin}" has not stopped within ${STOP_LIMIT_MS} ms after its connection ended; what it still does goes on in the host`,
    { facts: { plugin } },
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : describeValue(error);
}
