import { Logger, printable } from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import type { Emit, LogLevel } from "../event.js";
import type { Capability } from "./capability.js";

/** In characters; what is beyond is cut off, and the cut is marked. */
const MAX_MESSAGE = 16_384;
const MAX_NAME = 128;
const MAX_VALUE = 4_096;
const MAX_FIELDS = 64;

const levels: ReadonlySet<string> = new Set<LogLevel>(["debug", "info", "warn", "error"]);

/**
 * The host's log, lent to every plugin. Lines bear the name that the plugin has proven, whatever they say themselves,
 * and are one line each.
 */
export function createLoggerCapability(emit: Emit): Capability {
  return {
    desc: Logger,
    version: "1.0.0",
    implementation: (holder): Implementation<typeof Logger> => ({
      log({ level, message, fields }) {
        emit({
          type: "plugin.log",
          plugin: holder.name,
          level: isLevel(level) ? level : "info",
          message: printable(message, MAX_MESSAGE),
          fields: boundFields(fields),
        });
        return {};
      },
    }),
  };
}

function boundFields(fields: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(fields);
  const bound = entries
    .slice(0, MAX_FIELDS)
    .map(([name, value]) => [printable(name, MAX_NAME), printable(value, MAX_VALUE)] as const);
  if (entries.length > MAX_FIELDS) bound.push(["…", `${entries.length - MAX_FIELDS} more`]);
  return Object.fromEntries(bound);
}

function isLevel(level: string): level is LogLevel {
  return levels.has(level);
}
