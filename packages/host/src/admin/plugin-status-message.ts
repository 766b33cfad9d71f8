import { create } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type CallFailure,
  HealthState,
  healthStateToWire,
  offeredServiceToWire,
  PluginErrorSchema,
  type PluginStatus,
  PluginStatusSchema,
  requiredServiceToWire,
} from "@connect-plugin/protocol";
import type { PluginSummary } from "./plugin-summary.js";

/** A plugin as a message for the operator. */
export function pluginStatusMessage(plugin: PluginSummary): PluginStatus {
  return create(PluginStatusSchema, {
    name: plugin.name,
    package: plugin.package ?? "",
    version: plugin.version ?? "",
    distance: plugin.distance,
    tier: plugin.tier,
    state: plugin.state,
    reason: plugin.reason,
    health: plugin.health === undefined ? HealthState.UNSPECIFIED : healthStateToWire(plugin.health),
    instanceId: plugin.instanceId ?? "",
    runtimeId: plugin.runtimeId ?? "",
    pid: plugin.pid ?? 0,
    restarts: plugin.restarts,
    ...(plugin.uptimeMs === undefined ? {} : { uptime: durationFromMs(Math.round(plugin.uptimeMs)) }),
    provides: plugin.provides.map(offeredServiceToWire),
    requires: plugin.requires.map(requiredServiceToWire),
    lastOutput: [...plugin.lastOutput],
    essential: plugin.essential,
    ...(plugin.failure === undefined ? {} : { error: errorOf(plugin.failure) }),
  });
}

function errorOf({ info, message }: CallFailure) {
  return create(PluginErrorSchema, {
    reason: info?.reason ?? "",
    message,
    fault: info?.fault ?? "application",
  });
}
