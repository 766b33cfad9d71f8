import type { LogFields, PluginLog } from "../define/plugin-context.js";
import { createDeferred, type Deferred } from "./deferred.js";
import { createLogLine, type LogLevel, type LogLine, sizeOf } from "./log-line.js";
import { within } from "./pause.js";

const MAX_WAITING_LINES = 10_000;
const MAX_WAITING_BYTES = 8_388_608;
/** Lines under way at once: enough to keep a lane busy, few enough to leave room for calls. */
const MAX_UNDER_WAY = 32;

export interface PluginLogger {
  /** What the plugin's code logs with. */
  readonly voice: PluginLog;
  /** Sends what is waiting, or gives it to `spill` when the time is over. What is logged later goes to `spill` too. */
  close(timeoutMs: number): Promise<void>;
}

export interface PluginLoggerOptions {
  /** Sends one line to the host. */
  readonly send: (line: LogLine) => Promise<unknown>;
  /** Takes lines that the host did not: so that they are somewhere. Must not throw. */
  readonly spill: (line: LogLine) => void;
}

/**
 * Logs behind the plugin's back: `voice` only puts a line into a bounded buffer, which is emptied when the plugin's
 * code has had its turn. What does not fit is dropped, counted, and told of in the log itself.
 */
export function createPluginLogger(options: PluginLoggerOptions): PluginLogger {
  const lines = createLineQueue();
  let underWay = 0;
  let dropped = 0;
  let scheduled = false;
  let closed = false;
  let emptied: Deferred<void> | undefined;

  function write(level: LogLevel, message: unknown, fields: LogFields | undefined): void {
    const line = createLogLine(level, message, fields);
    if (closed) {
      options.spill(line);
    } else if (!lines.push(line)) {
      dropped++;
    } else if (!scheduled) {
      scheduled = true;
      setImmediate(pump);
    }
  }

  function pump(): void {
    scheduled = false;
    while (underWay < MAX_UNDER_WAY) {
      const line = lines.shift() ?? takeNotice();
      if (line === undefined) break;
      void send(line);
    }
    if (underWay === 0) emptied?.resolve();
  }

  function takeNotice(): LogLine | undefined {
    if (dropped === 0) return undefined;
    const fields = { dropped: String(dropped) };
    dropped = 0;
    return createLogLine("warn", "log lines were dropped: they came faster than the host took them", fields);
  }

  async function send(line: LogLine): Promise<void> {
    underWay++;
    try {
      await options.send(line);
    } catch {
      options.spill(line);
    }
    underWay--;
    pump();
  }

  return {
    voice: {
      debug: (message, fields) => write("debug", message, fields),
      info: (message, fields) => write("info", message, fields),
      warn: (message, fields) => write("warn", message, fields),
      error: (message, fields) => write("error", message, fields),
    },
    async close(timeoutMs) {
      emptied ??= createDeferred();
      pump();
      await within(timeoutMs, emptied.promise);
      closed = true;
      for (let line = lines.shift(); line !== undefined; line = lines.shift()) options.spill(line);
    },
  };
}

interface LineQueue {
  /** False if there is no room for it. */
  push(line: LogLine): boolean;
  shift(): LogLine | undefined;
}

function createLineQueue(): LineQueue {
  let lines: LogLine[] = [];
  let first = 0;
  let bytes = 0;
  return {
    push(line) {
      const size = sizeOf(line);
      if (lines.length - first >= MAX_WAITING_LINES || bytes + size > MAX_WAITING_BYTES) return false;
      lines.push(line);
      bytes += size;
      return true;
    },
    shift() {
      const line = lines[first];
      if (line === undefined) return undefined;
      bytes -= sizeOf(line);
      first++;
      if (first === lines.length || first >= MAX_WAITING_LINES) {
        lines = lines.slice(first);
        first = 0;
      }
      return line;
    },
  };
}
