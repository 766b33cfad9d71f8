import { Command, Option } from "commander";
import type { CommandContext } from "../command-context.js";
import { toRecord } from "../operator/admin-record.js";
import { withOperator } from "../operator/with-operator.js";
import { createOutput } from "../output/output.js";
import { configOption, durationArgument, jsonOption } from "./shared-options.js";

interface Options {
  readonly config: string;
  readonly json: boolean;
  readonly timeout: number;
}

export function restartCommand(context: CommandContext): Command {
  return new Command("restart")
    .description("Ends a plugin's instance and starts another. Calls to it wait meanwhile.")
    .argument("<plugin>", "the plugin's name in the configuration")
    .addOption(configOption())
    .addOption(
      new Option("--timeout <time>", "how long to wait for it")
        .argParser(durationArgument)
        .default(60_000, "60s"),
    )
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  connect-plugin restart storage")
    .action(async (name: string, options: Options) => {
      const output = createOutput(options.json, context);
      await withOperator(context, options.config, async ({ admin }) => {
        const { plugin } = await admin.restartPlugin({ name }, { timeoutMs: options.timeout });
        if (plugin !== undefined) output.result(`${plugin.name} is ${plugin.state} again`, toRecord(plugin));
      });
    });
}
