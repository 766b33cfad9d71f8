import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import type { DependencyGraph } from "./dependency-graph.js";
import { liveInstance, type PluginState } from "./plugin-state.js";
import { type PluginStatusName, pluginStatus } from "./plugin-status.js";

/** Whether a plugin that waits may start. */
export type Readiness =
  | { readonly kind: "may-start" }
  | { readonly kind: "must-wait" }
  | { readonly kind: "hopeless"; readonly failure: CallFailure };

/**
 * Looks at what a plugin requires.
 *
 * Who requires nothing may start at once. All others wait until every plugin has shown what it provides, or never will:
 * which plugin a need is met by must not depend on who was loaded first.
 */
export function readinessOf(
  plugin: string,
  states: ReadonlyMap<string, PluginState>,
  graph: DependencyGraph,
): Readiness {
  const needs = graph.needsOf(plugin);
  if (needs.length === 0) return { kind: "may-start" };
  for (const state of states.values()) {
    if (state.manifest === undefined && liveInstance(state) !== undefined) return { kind: "must-wait" };
  }
  const cycle = graph.cycleOf(plugin);
  if (cycle !== undefined) return { kind: "hopeless", failure: cycle };
  let waits = false;
  for (const need of needs) {
    if (need.kind === "hopeless") return { kind: "hopeless", failure: need.failure };
    const provider = states.get(need.plugin)!;
    switch (pluginStatus(provider)) {
      case "running":
      case "degraded":
        break;
      case "starting":
      case "restarting":
        waits = true;
        break;
      case "stopped":
      case "stopping":
      case "failed":
        return { kind: "hopeless", failure: providerFailed(plugin, need.need.service, provider) };
    }
  }
  return waits ? { kind: "must-wait" } : { kind: "may-start" };
}

function providerFailed(plugin: string, service: string, provider: PluginState): CallFailure {
  const status: PluginStatusName = pluginStatus(provider);
  const why = provider.instance === undefined ? status : provider.instance.reason;
  return createFailure(
    "DEPENDENCY_FAILED",
    `plugin "${plugin}" requires ${service} of plugin "${provider.name}", which is not running: ${why}`,
    { facts: { plugin, service, provider: provider.name, status } },
  );
}
