import { isComing } from "./instance-state.js";
import { liveInstance, type PluginState } from "./plugin-state.js";

/** How a plugin is, derived from what is wanted of it and where its instance stands. */
export type PluginStatusName =
  /** Not wanted, and nothing of it is left. */
  | "stopped"
  /** On its way up for the first time. */
  | "starting"
  | "running"
  /** Running, but it says that it is not as it should be. */
  | "degraded"
  /** It ran, and is being ended to run again or is on its way up again. */
  | "restarting"
  /** On its way down. */
  | "stopping"
  /** Wanted, but its instance is gone or is ending for a reason of its own. */
  | "failed";

export function pluginStatus(state: PluginState): PluginStatusName {
  const live = liveInstance(state);
  if (live === undefined) return state.want === "stopped" ? "stopped" : "failed";
  if (isComing(live.state)) return state.launches > 1 ? "restarting" : "starting";
  switch (live.state.name) {
    case "ready":
      return "running";
    case "degraded":
      return "degraded";
    default:
      if (state.next === "launch") return "restarting";
      return state.want === "stopped" ? "stopping" : "failed";
  }
}

/** Whether calls to the plugin may wait for it: it is wanted and may yet become ready. */
export function isComingBack(state: PluginState): boolean {
  const status = pluginStatus(state);
  return status === "starting" || status === "restarting";
}
