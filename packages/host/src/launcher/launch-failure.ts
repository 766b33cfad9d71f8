import {
  type CallFailure,
  createFailure,
  describeValue,
  type FailureOptions,
  printable,
  type Reason,
} from "@connect-plugin/protocol";
import { failureError, failureInfo } from "@connect-plugin/rpc";
import type { CarrierEnd } from "./carrier.js";

// Everything that can go wrong while a plugin is launched, in words.

/** Lines of a stack that help to find the place. */
const STACK_LINES = 6;

/** Frames that are not the plugin's: Node's own, and those of the packages that loaded it and checked what it declares. */
const FOREIGN_FRAME =
  /\(node:|\bat (?:async )?node:|\/@connect-plugin\/(?:host|plugin|protocol|rpc)\/|\/bootstrap\/run-entry\./;

/** Reasons that a bootstrap may report. What it says is the word of a process that runs somebody else's code. */
const reportable: readonly Reason[] = [
  "IMPORT_FAILED",
  "NOT_A_PLUGIN",
  "ENTRY_ABI_UNSUPPORTED",
  "SERVICE_REGISTERED_TWICE",
];

/** Launching was given up by whoever asked for it, who may have said why. */
export function givenUp(plugin: string, signal: AbortSignal, phase: string): Error {
  if (failureInfo(signal.reason) !== undefined) return signal.reason as Error;
  return failureError(
    "LAUNCH_TIMEOUT",
    `plugin "${plugin}": launching was given up while ${phase}; look for what it waits for when it is imported, or give it more time`,
    { facts: { plugin, phase } },
  );
}

/** The plugin's file threw, or what it exports is no plugin. */
export function refused(
  plugin: string,
  path: string,
  report: { readonly reason: Reason; readonly message: string; readonly stack?: string },
): Error {
  const facts = { plugin, path };
  if (!reportable.includes(report.reason)) {
    return failureError(
      "LANE_PROTOCOL",
      `plugin "${plugin}": its bootstrap reported ${report.reason}, which is not for it to say; something else writes into its pipe`,
      { facts },
    );
  }
  if (report.reason !== "IMPORT_FAILED") {
    return failureError(report.reason, `plugin "${plugin}": ${printable(report.message, 2_000)}`, { facts });
  }
  const message = report.message
    .slice(0, 2_000)
    .split("\n")
    .map((line) => printable(line, 2_000));
  return failureError(
    "IMPORT_FAILED",
    `plugin "${plugin}": its file ${path} threw while it was imported: ${message.join("\n    ")}${adviceOn(report.message)}${stackLines(report)}`,
    { facts },
  );
}

/** What Node says of a source file names no remedy. */
function adviceOn(message: string): string {
  return /^Unknown file extension "\.[cm]?tsx?"/.test(message)
    ? "; compile it, and let the entry name the .js file"
    : "";
}

/** The plugin's own lines of a stack, the first of them, without the message that they begin with. */
function stackLines({ stack }: { readonly stack?: string }): string {
  const frames = (stack ?? "")
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !FOREIGN_FRAME.test(line));
  return frames
    .slice(0, STACK_LINES)
    .map((line) => `\n    ${printable(line.trim(), 300)}`)
    .join("");
}

/** What the plugin's file says of itself cannot be true. */
export function manifestRefused(plugin: string, path: string, failure: CallFailure): Error {
  const { reason } = failure.info ?? { reason: "NOT_A_PLUGIN" };
  const isManifest = reason === "HANDSHAKE_INVALID";
  return failureError(
    isManifest ? "NOT_A_PLUGIN" : (reason as Reason),
    isManifest
      ? `plugin "${plugin}": ${path} is not a plugin: ${failure.message}`
      : `plugin "${plugin}": ${failure.message}`,
    { facts: { ...failure.info?.facts, plugin, path } },
  );
}

/** Something else than the bootstrap's report came through the pipe. */
export function garbage(plugin: string, failure: CallFailure): Error {
  return failureError("LANE_PROTOCOL", `plugin "${plugin}": ${failure.message}`, {
    facts: { ...failure.info?.facts, plugin },
  });
}

/** It ended by itself before it could say anything. */
export function exitedEarly(plugin: string, end: CarrierEnd, lastLines: readonly string[]): Error {
  const { exit } = end;
  const facts: Record<string, string> = { plugin };
  if (exit.kind === "process" && exit.signal !== null) facts.signal = exit.signal;
  else if (exit.kind !== "in-process" && exit.code !== null) facts.code = String(exit.code);
  const said = lastLines.map((line) => `\n    ${printable(line, 300)}`).join("");
  return failureError(
    "EXITED_EARLY",
    `plugin "${plugin}" ${end.words} before it could be talked to; ${
      said === "" ? "it wrote nothing to stderr" : `its last lines on stderr:${said}`
    }`,
    { facts },
  );
}

/** It closed its pipe and lives on. */
export function silent(plugin: string): Error {
  return failureError(
    "LANE_PROTOCOL",
    `plugin "${plugin}": it closed its pipe to the host while it was launched, and went on running; a plugin must leave descriptors alone that it has not opened`,
    { facts: { plugin } },
  );
}

/** The carrier could not be started at all. */
export function notStarted(plugin: string, problem: string, options: FailureOptions = {}): Error {
  return failureError("LAUNCH_FAILED", `plugin "${plugin}" could not be started: ${problem}`, {
    ...options,
    facts: { ...options.facts, plugin },
  });
}

/** The config, or what else the first frame holds, cannot be sent. */
export function unsendable(plugin: string, error: unknown): Error {
  return failureError(
    "CONFIG_INVALID",
    `plugin "${plugin}": its config cannot be handed over: ${error instanceof Error ? error.message : describeValue(error)}`,
    { facts: { plugin } },
  );
}

export function wouldNotEnd(plugin: string, end: CarrierEnd): CallFailure {
  return createFailure("STOP_TIMEOUT", `plugin "${plugin}" ${end.words}`, { facts: { plugin } });
}
