import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { toRecord } from "../operator/admin-record.js";
import { describePlugin } from "../operator/describe-plugin.js";
import { unknownPlugin } from "../operator/unknown-plugin.js";
import { withOperator } from "../operator/with-operator.js";
import { createOutput } from "../output/output.js";
import { configOption, jsonOption } from "./shared-options.js";

interface Options {
  readonly config: string;
  readonly json: boolean;
}

export function statusCommand(context: CommandContext): Command {
  return new Command("status")
    .description("Shows all that is known of a plugin, or of every plugin.")
    .argument("[plugin]", "the plugin's name in the configuration")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  connect-plugin status storage")
    .action(async (name: string | undefined, options: Options) => {
      const output = createOutput(options.json, context);
      await withOperator(context, options.config, async ({ admin }) => {
        const { plugins } = await admin.listPlugins({});
        const wanted = name === undefined ? plugins : plugins.filter((plugin) => plugin.name === name);
        if (name !== undefined && wanted.length === 0) throw unknownPlugin(name, plugins);
        if (output.json) for (const plugin of wanted) output.result("", toRecord(plugin));
        else output.result(wanted.map(describePlugin).join("\n\n"), {});
      });
    });
}
