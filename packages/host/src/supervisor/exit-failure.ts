import {
  type CallFailure,
  createFailure,
  describeExit as describeProcessExit,
} from "@connect-plugin/protocol";
import type { InstanceExit } from "../event.js";
import { type InstanceState, isServing } from "./instance-state.js";

/** How a carrier ended, as part of a sentence that begins with the plugin. */
export function describeExit(exit: InstanceExit): string {
  switch (exit.kind) {
    case "process":
      return describeProcessExit(exit.code, exit.signal);
    case "worker":
      return exit.leaked ? "would not end" : `ended its worker with code ${exit.code}`;
    case "in-process":
      return "ended";
  }
}

/** The failure of an instance that ended although nobody asked it to. */
export function failureOfExit(
  plugin: string,
  instance: { readonly id: string; readonly state: InstanceState; readonly readyAt: number | undefined },
  exit: InstanceExit,
): CallFailure {
  const facts: Record<string, string> = { plugin, instanceId: instance.id, ...exitFacts(exit) };
  const how = describeUnasked(exit);
  if (isServing(instance.state) || instance.readyAt !== undefined) {
    const message =
      `plugin "${plugin}" ${how} while it was running; ` +
      "see its last output for why, and start it again with restart";
    return createFailure("PROVIDER_GONE", message, { facts });
  }
  const message =
    `plugin "${plugin}" ${how} before it was ready; ` +
    "see its last output for why: a plugin's file must not call process.exit";
  return createFailure("EXITED_EARLY", message, { facts });
}

/** Code 0 is what a plugin that was asked to stop ends with; here it was not. */
function describeUnasked(exit: InstanceExit): string {
  const isGood = exit.kind === "process" && exit.code === 0;
  return isGood ? "ended with code 0, although nobody had asked it to," : describeExit(exit);
}

function exitFacts(exit: InstanceExit): Record<string, string> {
  switch (exit.kind) {
    case "process":
      return exit.signal === null ? { exitCode: String(exit.code) } : { signal: exit.signal };
    case "worker":
      return { exitCode: String(exit.code) };
    case "in-process":
      return {};
  }
}
