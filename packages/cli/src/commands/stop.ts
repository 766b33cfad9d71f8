import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { withOperator } from "../operator/with-operator.js";
import { createOutput } from "../output/output.js";
import { configOption, durationArgument, jsonOption } from "./shared-options.js";

interface Options {
  readonly config: string;
  readonly json: boolean;
  readonly grace?: number;
}

export function stopCommand(context: CommandContext): Command {
  return new Command("stop")
    .description("Stops a running host and its plugins, and waits until it has let go of its socket.")
    .addOption(configOption())
    .option(
      "--grace <time>",
      "time for plugins to stop of their own accord, then they are ended by force (default: 15s)",
      durationArgument,
    )
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  connect-plugin stop --grace 5s")
    .action(async (options: Options) => {
      const output = createOutput(options.json, context);
      await withOperator(context, options.config, async ({ admin, connection }) => {
        await admin.stopHost(options.grace === undefined ? {} : { grace: durationFromMs(options.grace) });
        await connection.closed;
        output.result("the host has stopped", { stopped: true });
      });
    });
}
