import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../output/duration.js";

/** `--config`, for every command that wants to know which host is meant. */
export function configOption(): Option {
  return new Option("-c, --config <file>", "the configuration of the host that is meant").default(
    "connect-plugin.yaml",
  );
}

export function jsonOption(): Option {
  return new Option("--json", "print JSON, one value a line").default(false);
}

/** For options that take a time; gives milliseconds. */
export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new InvalidArgumentError("Wanted a time above 0 such as 500ms, 10s, 2m; a bare number is seconds.");
  return ms;
}
