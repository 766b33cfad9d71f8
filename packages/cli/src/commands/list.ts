import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { toRecord } from "../operator/admin-record.js";
import { listPlugins, listServices, listTraffic } from "../operator/listings.js";
import { withOperator } from "../operator/with-operator.js";
import { createOutput } from "../output/output.js";
import { formatTable } from "../output/table.js";
import { configOption, jsonOption } from "./shared-options.js";

interface Options {
  readonly config: string;
  readonly json: boolean;
  readonly services?: true;
  readonly traffic?: true;
}

export function listCommand(context: CommandContext): Command {
  return new Command("list")
    .description("Lists the plugins of a running host, what they provide, or who called whom.")
    .addOption(configOption())
    .option("--services", "list services and who provides them")
    .option("--traffic", "list who called whom, how often and how fast")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  connect-plugin list
  connect-plugin list --services --json
  connect-plugin list --traffic`,
    )
    .action(async (options: Options) => {
      const output = createOutput(options.json, context);
      const list = options.services ? listServices : options.traffic ? listTraffic : listPlugins;
      await withOperator(context, options.config, async ({ admin }) => {
        const { remark, head, rows, messages } = await list(admin);
        if (remark !== undefined) output.remark(remark);
        if (output.json) for (const message of messages) output.result("", toRecord(message));
        else output.result(formatTable(head, rows), {});
      });
    });
}
