import { toFailure } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { CommanderError } from "commander";
import { CliError } from "./cli-error.js";
import type { CommandContext } from "./command-context.js";
import { createProgram } from "./commands/program.js";
import { ConfigError } from "./config/config-error.js";
import { ExitCode } from "./exit-code.js";
import { failureRecord } from "./operator/failure-record.js";
import { createOutput } from "./output/output.js";

/** Runs a command line to its end. Whatever goes wrong is shown and becomes the exit code; nothing is thrown. */
export async function runProgram(context: CommandContext, args: readonly string[]): Promise<void> {
  try {
    await createProgram(context).parseAsync([...args], { from: "user" });
  } catch (error) {
    const output = createOutput(args.includes("--json"), context);
    if (error instanceof CommanderError) {
      // Commander has said what was wrong, or printed the help that was asked for.
      context.setExitCode(error.exitCode === 0 ? ExitCode.ok : ExitCode.usage);
    } else if (error instanceof ConfigError) {
      output.problem(error.message, { reason: "CONFIG_INVALID", file: error.file, problems: error.problems });
      context.setExitCode(ExitCode.usage);
    } else if (error instanceof CliError) {
      output.problem(error.message, { reason: error.reason, message: error.message });
      context.setExitCode(error.exitCode);
    } else if (error instanceof ConnectError) {
      const { text, record } = failureRecord(toFailure(error));
      output.problem(text, record);
      context.setExitCode(ExitCode.failed);
    } else {
      // Not a plugin's, which would be a secret, but of this program or of the system under it.
      const message = error instanceof Error ? error.message : String(error);
      output.problem(`the command failed: ${message}`, { code: "internal", message });
      context.setExitCode(ExitCode.failed);
    }
  }
}
