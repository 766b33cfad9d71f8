import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { exitCodeHelp } from "../exit-code.js";
import { callCommand } from "./call.js";
import { listCommand } from "./list.js";
import { restartCommand } from "./restart.js";
import { runCommand } from "./run.js";
import { schemaCommand } from "./schema.js";
import { statusCommand } from "./status.js";
import { stopCommand } from "./stop.js";
import { tokenCommand } from "./token.js";
import { watchCommand } from "./watch.js";

/** The whole command line. Nothing in it touches the process but through the context. */
export function createProgram(context: CommandContext): Command {
  const program = new Command("connect-plugin")
    .description("Runs a host and its plugins from a file, and looks into a running one.")
    .version(context.version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .showHelpAfterError("(add --help for what there is)")
    .addHelpText(
      "after",
      `
Examples:
  connect-plugin run                                   start what ./connect-plugin.yaml says
  connect-plugin list                                  see the plugins of the running host
  connect-plugin call kv.v1.KVService/Get --data '{"key":"a"}'
${exitCodeHelp}`,
    );
  for (const make of [
    runCommand,
    listCommand,
    statusCommand,
    callCommand,
    watchCommand,
    restartCommand,
    stopCommand,
    tokenCommand,
    schemaCommand,
  ]) {
    const command = make(context).helpOption("-h, --help", "print help");
    program.addCommand(command.configureOutput(context.commanderOutput).exitOverride());
  }
  return program.configureOutput(context.commanderOutput).exitOverride();
}
