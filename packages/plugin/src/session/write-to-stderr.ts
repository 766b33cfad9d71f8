import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { type LogLine, printLogLine } from "./log-line.js";

/**
 * Writes a log line that no host takes. Where the reader of stderr is gone too, the line is lost and nothing else: a
 * stream would end the process with an EPIPE that nobody handles.
 */
export function writeToStderr(line: LogLine): void {
  const text = printLogLine(line);
  try {
    // The stderr of a worker is a stream to the main thread; descriptor 2 is not the worker's own.
    if (isMainThread) writeSync(process.stderr.fd, text);
    else process.stderr.write(text);
  } catch {
    // There is nowhere left to say it.
  }
}
