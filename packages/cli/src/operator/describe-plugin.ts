import { durationMs } from "@bufbuild/protobuf/wkt";
import { healthStateFromWire, type PluginStatus } from "@connect-plugin/protocol";
import { formatDuration } from "../output/duration.js";
import { safeText } from "../output/safe-text.js";

/** All that `status NAME` shows of a plugin. */
export function describePlugin(plugin: PluginStatus): string {
  const lines: [string, string][] = [
    ["plugin", plugin.name],
    ["state", plugin.reason === "" ? plugin.state : `${plugin.state} (${plugin.reason})`],
    ["package", [plugin.package, plugin.version].filter(Boolean).join(" ")],
    ["distance", `${plugin.distance} (${plugin.tier})`],
    ["health", healthStateFromWire(plugin.health) ?? ""],
    ["essential", plugin.essential ? "yes" : "no"],
    ["instance", plugin.instanceId],
    ["runtime id", plugin.runtimeId],
    ["pid", plugin.pid === 0 ? "" : String(plugin.pid)],
    ["uptime", plugin.uptime === undefined ? "" : formatDuration(durationMs(plugin.uptime))],
    ["restarts", String(plugin.restarts)],
    ["provides", plugin.provides.map((offered) => `${offered.service} ${offered.version}`).join(", ")],
    ["requires", plugin.requires.map((needed) => `${needed.service} ${needed.range}`).join(", ")],
  ];
  const shown = lines
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name.padEnd(11)} ${value}`);
  if (plugin.error)
    shown.push(
      "",
      `failed with ${plugin.error.reason} (fault: ${plugin.error.fault}):`,
      indent(plugin.error.message),
    );
  if (plugin.lastOutput.length > 0)
    shown.push("", "last output:", ...plugin.lastOutput.slice(-20).map(indent));
  return safeText(shown.join("\n"));
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
