import {
  type Boot,
  type BootFrame,
  type BootReport,
  createFailure,
  ENTRY_ABI,
  EXIT,
  encodeBootFrame,
  type Pipe,
  type PluginEntry,
  type PluginStopped,
  type RunningPlugin,
} from "@connect-plugin/protocol/boot";
import { type BootPipe, createBootPipe } from "../pipe/boot-pipe.js";
import { within } from "../within.js";

/** How long a plugin may take to stop once asked, or once its host is gone. The host's own deadline is usually shorter. */
const STOP_LIMIT_MS = 10_000;

/** How long the last bytes of the pipe may take. */
const FLUSH_LIMIT_MS = 500;

/** A plugin's entry in this process or thread, from the host's first frame to its end. */
export interface EntryRun {
  /** Asks the plugin to stop; before it runs, that is its end. Idempotent. */
  stop(reason: string): void;
  /** With one of {@link EXIT}, once there is nothing left to wait for. Never rejects. */
  readonly ended: Promise<number>;
  /** The pipe's end. */
  readonly disconnected: Promise<void>;
}

export function runEntry(raw: Pipe): EntryRun {
  const host = createBootPipe(raw);
  let state: { readonly at: "loading" } | { readonly at: "running"; readonly plugin: RunningPlugin } = {
    at: "loading",
  };
  let give: (code: number) => void = () => {};
  const given = new Promise<number>((resolve) => {
    give = resolve;
  });

  async function run(): Promise<number> {
    const loaded = await load(host);
    if ("exit" in loaded) return loaded.exit;
    let plugin: RunningPlugin;
    try {
      plugin = await loaded.hook.run({ kind: "pipe", pipe: host.pipe }, loaded.boot);
    } catch (error) {
      console.error(error);
      return EXIT.session;
    }
    state = { at: "running", plugin };
    return exitOf(await plugin.stopped);
  }

  function limitStop(): void {
    setTimeout(() => give(EXIT.stopTimeout), STOP_LIMIT_MS);
  }

  async function toTheEnd(): Promise<number> {
    const code = await Promise.race([run(), given]);
    host.pipe.end();
    await within(FLUSH_LIMIT_MS, host.ended);
    return code;
  }

  void host.ended.then(limitStop);
  return {
    ended: toTheEnd(),
    disconnected: host.ended,
    stop(reason) {
      if (state.at === "loading") {
        give(EXIT.stopped);
        return;
      }
      limitStop();
      state.plugin.stop(reason);
    },
  };
}

type Hook = PluginEntry["$connectPlugin"];

async function load(
  host: BootPipe,
): Promise<{ readonly hook: Hook; readonly boot: Boot } | { readonly exit: number }> {
  const read = await host.read;
  if (read.state === "ended") return { exit: EXIT.hostGone };
  if (read.state === "broken") {
    console.error(read.failure.message);
    return { exit: EXIT.bootFrame };
  }
  const { entry, boot } = read.value as BootFrame;
  const importing = importEntry(entry);
  const imported = await Promise.race([importing, host.ended]);
  if (imported === undefined) return { exit: EXIT.hostGone };
  if (!imported.ok) {
    host.send(encodeBootFrame(imported.report));
    return { exit: EXIT.entry };
  }
  const { hook } = imported;
  let report: Uint8Array;
  try {
    report = encodeBootFrame({ ok: true, manifest: hook.manifest } satisfies BootReport);
  } catch (error) {
    host.send(encodeBootFrame(refusal("NOT_A_PLUGIN", `its manifest cannot be sent: ${textOf(error)}`)));
    return { exit: EXIT.entry };
  }
  host.send(report);
  return { hook, boot };
}

type Imported = { readonly ok: true; readonly hook: Hook } | { readonly ok: false; readonly report: Refusal };

async function importEntry(url: string): Promise<Imported> {
  let exported: unknown;
  try {
    exported = ((await import(url)) as { readonly default?: unknown }).default;
  } catch (error) {
    const stack = error instanceof Error ? error.stack : undefined;
    const report = refusal("IMPORT_FAILED", textOf(error));
    return { ok: false, report: stack === undefined ? report : { ...report, stack } };
  }
  const hook = (exported as Partial<PluginEntry> | null | undefined)?.$connectPlugin;
  if (hook?.abi === ENTRY_ABI && typeof hook.run === "function") return { ok: true, hook };
  // What is wrong takes more code to say than a good plugin should have to load.
  const { checkEntry } = await import("@connect-plugin/protocol");
  const check = checkEntry(exported, decodeURIComponent(new URL(url).pathname));
  const failure = check.ok
    ? createFailure("NOT_A_PLUGIN", "its default export changes while it is read")
    : check.failure;
  return { ok: false, report: refusal(failure.info?.reason ?? "NOT_A_PLUGIN", failure.message) };
}

type Refusal = BootReport & { readonly ok: false };

function refusal(reason: Refusal["reason"], message: string): Refusal {
  return { ok: false, reason, message };
}

function textOf(error: unknown): string {
  try {
    return error instanceof Error ? error.message : String(error);
  } catch {
    return "something that has no text";
  }
}

function exitOf(stopped: PluginStopped): number {
  switch (stopped.how) {
    case "asked":
      return EXIT.stopped;
    case "host-gone":
      return EXIT.hostGone;
    case "failed":
      console.error(`the session with the host failed: ${stopped.reason}`);
      return EXIT.session;
  }
}
