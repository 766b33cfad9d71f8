import { timestampDate } from "@bufbuild/protobuf/wkt";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { toRecord } from "../operator/admin-record.js";
import { unknownPlugin } from "../operator/unknown-plugin.js";
import { withOperator } from "../operator/with-operator.js";
import { createOutput } from "../output/output.js";
import { safeText } from "../output/safe-text.js";
import { configOption, jsonOption } from "./shared-options.js";

interface Options {
  readonly config: string;
  readonly json: boolean;
}

export function watchCommand(context: CommandContext): Command {
  return new Command("watch")
    .description("Tells what happens in a running host, from now on, until Ctrl-C or the host's end.")
    .argument("[plugin]", "only what concerns this plugin")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  connect-plugin watch storage --json")
    .action(async (name: string | undefined, options: Options) => {
      const output = createOutput(options.json, context);
      await withOperator(context, options.config, async ({ admin, signal, connection }) => {
        if (name !== undefined) {
          const { plugins } = await admin.listPlugins({});
          if (!plugins.some((plugin) => plugin.name === name)) throw unknownPlugin(name, plugins);
        }
        try {
          for await (const event of admin.watchEvents({}, { signal })) {
            if (name !== undefined && event.plugin !== name) continue;
            const time =
              event.time === undefined ? "" : timestampDate(event.time).toISOString().slice(11, 23);
            output.result(
              safeText(
                `${time}  ${event.kind.padEnd(22)} ${event.plugin.padEnd(12)} ${event.message}`.trimEnd(),
              ),
              toRecord(event),
            );
          }
        } catch (error) {
          // Ctrl-C and the host's orderly end are how a watch ends.
          if (signal.aborted || (await Promise.race([connection.closed, undefined])) !== undefined) return;
          throw error;
        }
      });
    });
}
