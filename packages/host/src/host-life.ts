import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import { toConnectError } from "@connect-plugin/rpc";
import type { OperatorSocket } from "./admin/operator-socket.js";
import type { Emit } from "./event.js";
import type { PluginReport, Supervisor } from "./supervisor/supervisor.js";

/** What became of a start. */
export interface HostReport {
  /** Whether every essential plugin runs. */
  readonly ready: boolean;
  /** In the order of the options. */
  readonly plugins: readonly PluginReport[];
}

/** How a host ended. */
export interface StopReport {
  /** What would not end and was left behind, each with its reason; empty if nothing is left. */
  readonly leaked: readonly string[];
}

export interface StopOptions {
  readonly graceMs?: number | undefined;
  readonly reason?: string | undefined;
}

/** The host from its start to its end. */
export interface HostLife {
  /** When it was made. */
  readonly startedAt: Date;
  readonly state: "new" | "starting" | "running" | "stopping" | "stopped";
  /** Whether it was ever started. */
  readonly hasStarted: boolean;
  start(): Promise<HostReport>;
  stop(options?: StopOptions): Promise<StopReport>;
}

export interface HostLifeOptions {
  readonly supervisor: Supervisor;
  readonly emit: Emit;
  readonly openSocket: () => Promise<OperatorSocket | undefined>;
  /** Where applications come in, if they may. */
  readonly door: HostDoorLife | undefined;
}

/** As much of a door as its host opens and closes. */
interface HostDoorLife {
  open(): Promise<void>;
  /** Takes nothing new, and cuts off after the grace what is in flight. Never rejects. */
  close(failure: CallFailure, graceMs: number): Promise<void>;
}

/** Time for plugins to stop of their own accord. */
const GRACE_MS = 15_000;

export function createHostLife({ supervisor, emit, openSocket, door }: HostLifeOptions): HostLife {
  const startedAt = new Date();
  let phase: HostLife["state"] = "new";
  let socket: OperatorSocket | undefined;
  let ending: Promise<StopReport> | undefined;

  function report(): HostReport {
    const views = supervisor.plugins();
    return {
      ready: views.every(
        ({ spec, status }) => !spec.essential || status === "running" || status === "degraded",
      ),
      plugins: views.map(({ name, status, failure }) => ({ name, status, failure })),
    };
  }

  function failedEssentials(): readonly { readonly name: string; readonly failure: CallFailure }[] {
    return supervisor
      .plugins()
      .flatMap(({ name, spec, failure }) =>
        spec.essential && failure !== undefined ? [{ name, failure }] : [],
      );
  }

  const isEnding = () => phase === "stopping" || phase === "stopped";

  async function start(): Promise<HostReport> {
    if (isEnding()) throw toConnectError(stopped());
    if (phase !== "new") throw new TypeError("start: the host was started already");
    phase = "starting";
    emit({ type: "host.starting" });
    try {
      const opened = await openSocket();
      if (isEnding()) await opened?.close(stopped());
      else socket = opened;
      if (!isEnding()) await door?.open();
      if (!isEnding()) await supervisor.start();
    } catch (error) {
      if (!isEnding()) await stop({ reason: "the host could not start" });
      throw error;
    }
    if (isEnding()) throw toConnectError(stopped());
    const failed = failedEssentials();
    if (failed.length > 0) {
      await stop({ reason: "an essential plugin could not start" });
      throw toConnectError(cannotStart(failed));
    }
    phase = "running";
    emit({ type: "host.ready" });
    return report();
  }

  function stop({
    graceMs = GRACE_MS,
    reason = "a stop was asked for",
  }: StopOptions = {}): Promise<StopReport> {
    if (ending === undefined) {
      phase = "stopping";
      emit({ type: "host.stopping", reason });
      ending = end(reason, graceMs);
    } else if (phase === "stopping") {
      void supervisor.stop(reason, graceMs);
    }
    return ending;
  }

  async function end(reason: string, graceMs: number): Promise<StopReport> {
    // At once with the plugins: what is in flight at the door ends with the calls of plugins.
    const [leaked] = await Promise.all([supervisor.stop(reason, graceMs), door?.close(stopped(), graceMs)]);
    await socket?.close(stopped());
    phase = "stopped";
    emit({ type: "host.stopped", leaked });
    return { leaked };
  }

  return {
    startedAt,
    get state() {
      return phase;
    },
    get hasStarted() {
      return phase !== "new";
    },
    start,
    stop,
  };
}

function stopped(): CallFailure {
  return createFailure("HOST_STOPPING", "the host has been stopped; make another one to start again");
}

/** One failure for all: the reason is that of the first plugin that did not fail just because of another. */
function cannotStart(
  failed: readonly { readonly name: string; readonly failure: CallFailure }[],
): CallFailure {
  const root = failed.find(({ failure }) => failure.info?.reason !== "DEPENDENCY_FAILED") ?? failed[0]!;
  const { info } = root.failure;
  const lines = failed.map(({ name, failure }) => `  ${name}: ${failure.message}`).join("\n");
  const what =
    failed.length === 1 ? "an essential plugin failed" : `${failed.length} essential plugins failed`;
  return createFailure(
    info?.reason ?? "START_FAILED",
    `the host cannot start, because ${what}:\n${lines}\n` +
      "Correct that, or declare the plugin with essential: false to start without it.",
    {
      ...(info === undefined ? {} : { fault: info.fault }),
      facts: { ...info?.facts, plugin: root.name, failed: failed.map(({ name }) => name).join(", ") },
    },
  );
}
