import { resolve } from "node:path";
import { createHost, describeEvent, type Host, type HostEvent } from "@connect-plugin/host";
import { failureInfo, toFailure } from "@connect-plugin/rpc";
import { Command } from "commander";
import type { CommandContext } from "../command-context.js";
import { loadHostOptions } from "../config/load-host-options.js";
import { ExitCode } from "../exit-code.js";
import { failureRecord } from "../operator/failure-record.js";
import { createOutput, type Output } from "../output/output.js";
import { safeText } from "../output/safe-text.js";
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
      const loaded = await loadHostOptions(resolve(context.cwd, config), {
        environment: context.environment,
      });
      const host = createHost({ ...loaded, output: options.json ? "events" : "stderr" });
      let asked = false;
      const endSignals = context.onSignal((signal) => {
        if (asked) context.exitNow(ExitCode.forced);
        asked = true;
        output.remark(`${signal}: stopping; once more ends it at once`);
        void host.stop({ reason: signal });
      });
      const stopped = untilStopped(host);
      try {
        await startHost(host, output);
        showEnding(await stopped, output, context);
      } catch (error) {
        // Whoever stops a host that is still starting, by a signal or by connect-plugin stop, gets what was asked for.
        if (asked || failureInfo(error)?.reason === "HOST_STOPPING") {
          showEnding(await stopped, output, context);
          return;
        }
        const { text, record } = failureRecord(toFailure(error));
        output.problem(text, { ...record, output: lastOutput(host) });
        context.setExitCode(ExitCode.startFailed);
      } finally {
        endSignals();
      }
    });
}

async function startHost(host: Host, output: Output): Promise<void> {
  const { plugins } = await host.start();
  if (output.json) {
    // Before any event: whoever reads the lines is told first that the host is ready.
    output.result("", {
      type: "host.ready",
      hostId: host.id,
      ...(host.doorUrl !== undefined && { door: host.doorUrl }),
      plugins: plugins.map(({ name, status }) => ({ name, status })),
    });
    host.events.subscribe((event) => output.result("", eventRecord(event)));
    return;
  }
  const services = host.services();
  const width = Math.max(...plugins.map(({ name }) => name.length));
  for (const { name, status, distance, failure } of host.status().plugins) {
    const provided = services
      .filter(({ plugin }) => plugin === name)
      .map(({ service, version }) => `${service} ${version}`);
    const what = failure === undefined ? provided.join(", ") : safeText(failure.message);
    output.result(
      `${name.padEnd(width)}  ${status.padEnd(8)}  ${distance.padEnd(13)}  ${what}`.trimEnd(),
      {},
    );
  }
  if (host.doorUrl !== undefined) output.result(`door: ${host.doorUrl}`, {});
}

/** The last lines of the plugins that failed: where the first line is to be that the host is ready, nobody has seen them. */
function lastOutput(host: Host): Readonly<Record<string, readonly string[]>> {
  const failed = host.status().plugins.filter(({ failure }) => failure !== undefined);
  return Object.fromEntries(failed.map((plugin) => [plugin.name, plugin.lastOutput]));
}

/** What the host left behind when it stopped, whoever stopped it. */
function untilStopped(host: Host): Promise<readonly string[]> {
  return new Promise((resolve) => {
    const end = host.events.subscribe((event) => {
      if (event.type !== "host.stopped") return;
      end();
      resolve(event.leaked);
    });
  });
}

function showEnding(leaked: readonly string[], output: Output, context: CommandContext): void {
  if (leaked.length === 0) {
    output.remark("the host has stopped");
    return;
  }
  output.problem(`the host has stopped, but this would not end: ${leaked.join("; ")}`, {
    reason: "STOP_TIMEOUT",
    leaked,
  });
  context.setExitCode(ExitCode.leaked);
}

/** An event as a line of JSON: failures in words, and what programs may want. */
function eventRecord(event: HostEvent): object {
  const { level, plugin, message, facts } = describeEvent(event);
  return {
    time: new Date().toISOString(),
    type: event.type,
    level,
    ...(plugin !== "" && { plugin }),
    message,
    facts,
  };
}
