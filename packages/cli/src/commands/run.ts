import { resolve } from "node:path";
import { createHost, describeEvent, type Host, type HostEvent } from "@connect-plugin/host";
import { toFailure } from "@connect-plugin/rpc";
import { Command } from "commander";
import { loadHostOptions } from "../config/load-host-options.js";
import { ExitCode } from "../exit-code.js";
import { failureRecord } from "../operator/failure-record.js";
import { createOutput, type Output } from "../output/output.js";
import type { CommandContext } from "./command-context.js";
import { jsonOption } from "./shared-options.js";

interface Options {
  readonly json: boolean;
}

export function runCommand(context: CommandContext): Command {
  return new Command("run")
    .description("Starts a host and its plugins, and runs until Ctrl-C, SIGTERM or connect-plugin stop.")
    .argument("[config]", "the configuration", "connect-plugin.yaml")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      `
Examples:
  connect-plugin run
  connect-plugin run app.yaml --json   # the first line has "type": "host.ready"`,
    )
    .action(async (config: string, options: Options) => {
      const output = createOutput(options.json, context);
      const file = resolve(context.cwd, config);
      const ended = createEnding();
      const host = createHost({
        ...(await loadHostOptions(file, { environment: context.environment })),
        output: options.json ? "events" : "stderr",
        onEvent: (event) => {
          if (event.type === "host.stopped") ended.tell(event.leaked);
          if (options.json) ended.afterReady(() => output.result("", eventRecord(event)));
        },
      });
      const endSignals = context.onSignal((signal) => {
        if (ended.stopping) context.exitNow(ExitCode.forced);
        ended.stopping = true;
        output.remark(`${signal}: stopping; once more ends it at once`);
        void host.stop();
      });
      try {
        await startHost(host, output);
        ended.ready();
        const leaked = await ended.leaked;
        if (leaked.length > 0) context.setExitCode(ExitCode.leaked);
        output.remark(leaked.length > 0 ? `stopped, but left behind: ${leaked.join("; ")}` : "stopped");
      } catch (error) {
        const { text, record } = failureRecord(toFailure(error));
        output.problem(text, record);
        context.setExitCode(ended.stopping ? ExitCode.ok : ExitCode.startFailed);
      } finally {
        endSignals();
      }
    });
}

async function startHost(host: Host, output: Output): Promise<void> {
  const report = await host.start();
  const plugins = host.status().plugins;
  if (output.json) {
    output.result("", { type: "host.ready", plugins: report.plugins });
    return;
  }
  const width = Math.max(...plugins.map(({ name }) => name.length));
  for (const plugin of plugins) {
    const services = plugin.provides.map(({ service, version }) => `${service} ${version}`).join(", ");
    output.result(`${plugin.name.padEnd(width)}  ${plugin.state.padEnd(8)}  ${plugin.distance.padEnd(13)}  ${services}`.trimEnd(), {});
  }
}
