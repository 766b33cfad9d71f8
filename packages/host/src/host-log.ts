import { printable } from "@connect-plugin/protocol";
import type { HostEvent } from "./event.js";
import { describeEvent } from "./event-text.js";

/** Any logger that takes fields and a message, such as pino's. */
export interface HostLogger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Hands each event to a logger, in words and as fields. */
export function logTo(logger: HostLogger): (event: HostEvent) => void {
  return (event) => {
    const { level, plugin, message, facts } = describeEvent(event);
    const fields = plugin === "" ? { event: event.type, ...facts } : { event: event.type, plugin, ...facts };
    logger[level](fields, message);
  };
}

/** The longest line of a plugin that is shown. */
const LINE_LIMIT = 8_192;

/**
 * Shows what plugins write, and what goes wrong with them, with their names: `kv | listening`. Everything else is for
 * who subscribes to events.
 */
export function showOn(stream: { write(text: string): unknown }): (event: HostEvent) => void {
  return (event) => {
    const { level, plugin, message } = describeEvent(event);
    switch (event.type) {
      case "instance.output":
        stream.write(`${plugin} | ${printable(message, LINE_LIMIT)}\n`);
        return;
      case "plugin.log": {
        const { stack, ...others } = event.fields;
        const fields = Object.entries(others).map(([name, value]) => ` ${name}=${JSON.stringify(value)}`);
        stream.write(`${plugin} | ${level}: ${printable(message + fields.join(""), LINE_LIMIT)}\n`);
        // On one line nobody could read it. Each of its lines bears the name, so none passes for another's.
        for (const line of (stack ?? "").slice(0, LINE_LIMIT).split("\n")) {
          if (line !== "") stream.write(`${plugin} |   ${printable(line, LINE_LIMIT)}\n`);
        }
        return;
      }
      case "instance.failed":
      case "host.stopped":
        if (level === "error") {
          const name = plugin === "" ? "host" : plugin;
          // A failure may list its problems line by line; each line bears the name, so none passes for another's.
          for (const [index, line] of message.split("\n").entries()) {
            stream.write(`${name} | ${index === 0 ? "failed: " : ""}${printable(line, LINE_LIMIT)}\n`);
          }
        }
        return;
      default:
        return;
    }
  };
}
