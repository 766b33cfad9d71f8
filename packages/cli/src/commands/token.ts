import { openTokenFile, type TokenFile, type TokenRecord } from "@connect-plugin/host";
import { Command, InvalidArgumentError } from "commander";
import type { CommandContext } from "../command-context.js";
import { tokensFile } from "../config/tokens-file.js";
import { parseDuration } from "../output/duration.js";
import { createOutput } from "../output/output.js";
import { formatTable } from "../output/table.js";
import { configOption, jsonOption } from "./shared-options.js";

interface Options {
  readonly config: string;
  readonly json: boolean;
}

interface CreateOptions extends Options {
  readonly name: string;
  readonly expires?: number;
  readonly claim: Readonly<Record<string, string>>;
}

export function tokenCommand(context: CommandContext): Command {
  const command = new Command("token")
    .description("Makes, lists and ends the tokens with which applications call plugins through the door.")
    .addHelpText(
      "after",
      `
A host need not run for it; one that runs knows of every change with the next request.

Examples:
  connect-plugin token create --name shop --expires 30d
  connect-plugin token list
  connect-plugin token revoke 4QJYf3m0l8o1mW1r0m2b3A`,
    );
  for (const make of [createCommand, listCommand, revokeCommand]) {
    command.addCommand(make(context).configureOutput(context.commanderOutput).exitOverride());
  }
  return command;
}

function createCommand(context: CommandContext): Command {
  return new Command("create")
    .description("Makes a token and prints it, this once: only a digest of it is kept.")
    .requiredOption("-n, --name <name>", "what the application is called in logs, and to plugins")
    .option("-e, --expires <time>", "how long it is good, such as 12h or 30d (default: 90d)", expiryArgument)
    .option(
      "--claim <claim>",
      "what plugins are told beside the name, as name=value; give it again for more",
      claimArgument,
      {},
    )
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Example:
  TOKEN=$(connect-plugin token create --name shop --expires 30d)`,
    )
    .action(async (options: CreateOptions) => {
      const output = createOutput(options.json, context);
      const { name, expires: expiresInMs, claim: claims } = options;
      const { token, record } = await (await fileOf(context, options)).create({ name, expiresInMs, claims });
      output.remark(`token "${name}", good until ${record.expires}; it is not shown again`);
      output.result(token, { token, ...publicRecord(record) });
    });
}

function listCommand(context: CommandContext): Command {
  return new Command("list")
    .description("Lists the tokens that have not been revoked.")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  connect-plugin token list --json")
    .action(async (options: Options) => {
      const output = createOutput(options.json, context);
      const tokens = await (await fileOf(context, options)).list();
      if (output.json) {
        for (const token of tokens) output.result("", publicRecord(token));
        return;
      }
      const rows = tokens.map((token) => {
        const { id, name, created, expires, claims, expired } = publicRecord(token);
        const said = Object.entries(claims).map(([key, value]) => `${key}=${value}`);
        return [id, name, created, expired ? `${expires} (expired)` : expires, said.join(" ")];
      });
      output.result(formatTable(["id", "name", "created", "expires", "claims"], rows), {});
    });
}

function revokeCommand(context: CommandContext): Command {
  return new Command("revoke")
    .description("Ends a token, and the calls that were made with it.")
    .argument("<id>", "from connect-plugin token list")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText("after", "\nExample:\n  connect-plugin token revoke 4QJYf3m0l8o1mW1r0m2b3A")
    .action(async (id: string, options: Options) => {
      const output = createOutput(options.json, context);
      const record = await (await fileOf(context, options)).revoke(id);
      output.result(`token "${record.name}" is revoked`, { revoked: publicRecord(record) });
    });
}

async function fileOf(context: CommandContext, { config }: Options): Promise<TokenFile> {
  return openTokenFile(await tokensFile(context.cwd, config));
}

/** All but the digest. */
function publicRecord({ id, kind, name, created, expires, claims }: TokenRecord) {
  return { id, kind, name, created, expires, expired: Date.parse(expires) <= Date.now(), claims };
}

function expiryArgument(text: string): number {
  const days = /^(\d+)d$/.exec(text.trim());
  const ms = days === null ? parseDuration(text) : Number(days[1]) * 86_400_000;
  if (ms === undefined || ms <= 0) {
    throw new InvalidArgumentError("Wanted a time above 0 such as 12h or 30d; a bare number is seconds.");
  }
  return ms;
}

function claimArgument(text: string, before: Readonly<Record<string, string>>) {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Wanted name=value.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}
