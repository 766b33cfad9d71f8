import { readFileSync } from "node:fs";
import type { CommandContext } from "./command-context.js";
import { ExitCode } from "./exit-code.js";

/** The real process, as commands see it. */
export function createProcessContext(): CommandContext {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  // A reader that goes away (`| head`) is no failure of ours, and nobody is left to tell.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(ExitCode.ok);
    throw error;
  });
  return {
    version,
    cwd: process.cwd(),
    environment: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    commanderOutput: {
      writeOut: (text) => process.stdout.write(text),
      writeErr: (text) => process.stderr.write(text),
    },
    onSignal(listener) {
      const interrupt = () => listener("SIGINT");
      const terminate = () => listener("SIGTERM");
      process.on("SIGINT", interrupt);
      process.on("SIGTERM", terminate);
      return () => {
        process.off("SIGINT", interrupt);
        process.off("SIGTERM", terminate);
      };
    },
    setExitCode(code) {
      if (process.exitCode === undefined || process.exitCode === ExitCode.ok) process.exitCode = code;
    },
    exitNow: (code) => process.exit(code),
  };
}
