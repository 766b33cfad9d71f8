import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { configJsonSchema } from "../config/config-schema.js";

export function schemaCommand(context: CommandContext): Command {
  return new Command("schema")
    .description("Prints the JSON Schema of connect-plugin.yaml, for editors.")
    .addHelpText(
      "after",
      `
Example:
  connect-plugin schema > connect-plugin.schema.json
  # and as the first line of connect-plugin.yaml:
  # yaml-language-server: $schema=./connect-plugin.schema.json`,
    )
    .action(() => {
      context.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    });
}
