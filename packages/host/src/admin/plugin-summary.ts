import type { CallFailure, Manifest, OfferedService, RequiredService } from "@connect-plugin/protocol";
import type { HealthReport } from "../event.js";
import type { Launcher } from "../launcher/launcher.js";
import { type InstanceState, type InstanceStateName, isServing } from "../supervisor/instance-state.js";
import { liveInstance, type Transition } from "../supervisor/plugin-state.js";
import type { PluginStatusName } from "../supervisor/plugin-status.js";
import type { PluginView } from "../supervisor/supervisor.js";

/** A plugin of the operator's spec and, where there is one, its instance. */
export interface PluginSummary {
  /** The operator's name for it. */
  readonly name: string;
  readonly status: PluginStatusName;
  /** The state of its instance; without one, how the plugin is. */
  readonly state: InstanceStateName | PluginStatusName;
  /** Why it is in this state, for people. */
  readonly reason: string;
  readonly distance: Launcher["distance"];
  /** What it takes to launch it: the entry file, say. */
  readonly launch: string;
  /** What stands between it and the host. */
  readonly tier: "trusted" | "crash-boundary";
  readonly essential: boolean;
  /** Undefined until its instance serves. */
  readonly health: HealthReport["state"] | undefined;
  /** What its package calls itself, and the package's version; undefined before it was first loaded. */
  readonly package: string | undefined;
  readonly version: string | undefined;
  readonly provides: readonly OfferedService[];
  readonly requires: readonly RequiredService[];
  readonly instanceId: string | undefined;
  /** Of the live instance, after its handshake. */
  readonly runtimeId: string | undefined;
  /** Undefined if it is no process of its own. */
  readonly pid: number | undefined;
  /** How often it was launched again. */
  readonly restarts: number;
  /** Since its instance became ready; undefined if it is not. */
  readonly uptimeMs: number | undefined;
  /** The end of what it wrote to stdout and stderr, oldest line first. */
  readonly lastOutput: readonly string[];
  /** What went wrong last, if something did. */
  readonly failure: CallFailure | undefined;
  /** The last transitions of the present or last instance. */
  readonly history: readonly Transition[];
}

/** @param now on the supervisor's clock */
export function summarizePlugin(plugin: PluginView, now: number): PluginSummary {
  const { state, spec } = plugin;
  const live = liveInstance(state);
  const { instance } = state;
  const manifest: Manifest | undefined = state.manifest;
  const { distance, describe } = spec.launcher;
  const since = live !== undefined && isServing(live.state) ? live.readyAt : undefined;
  return {
    name: plugin.name,
    status: plugin.status,
    // What is gone says less than why it is: it failed, or nobody wants it.
    state: live?.state.name ?? plugin.status,
    reason: instance?.reason ?? "",
    distance,
    launch: describe,
    tier: distance === "child-process" ? "crash-boundary" : "trusted",
    essential: spec.essential,
    health: live === undefined ? undefined : healthOf(live.state),
    package: manifest?.name,
    version: manifest?.version,
    provides: manifest?.provides ?? [],
    requires: manifest?.requires ?? [],
    instanceId: instance?.id,
    runtimeId: live?.runtimeId,
    pid: live?.pid,
    restarts: Math.max(0, state.launches - 1),
    uptimeMs: since === undefined ? undefined : now - since,
    lastOutput: plugin.output,
    failure: plugin.failure,
    history: instance?.history ?? [],
  };
}

function healthOf(state: InstanceState): HealthReport["state"] | undefined {
  if (state.name === "ready") return "healthy";
  return state.name === "degraded" ? state.health.state : undefined;
}
