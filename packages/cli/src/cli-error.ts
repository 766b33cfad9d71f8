import type { ExitCode } from "./exit-code.js";

/** Ends a command with a code and a message for the user. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  /** One of the closed reasons, for `--json`. */
  readonly reason: string;

  constructor(exitCode: ExitCode, reason: string, message: string) {
    super(message);
    this.exitCode = exitCode;
    this.reason = reason;
  }
}
