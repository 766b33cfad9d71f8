import { fileURLToPath } from "node:url";
import { type ProgramEnd, type ProgramOptions, type RunningProgram, runNode } from "./run-program.js";

/** The built command. */
const MAIN = fileURLToPath(new URL("../../packages/cli/dist/main.js", import.meta.url));

/** Starts `connect-plugin` with these arguments. */
export function startCommand(args: readonly string[], options: ProgramOptions = {}): RunningProgram {
  return runNode([MAIN, ...args], options);
}

/** Runs `connect-plugin` with these arguments to its end. */
export async function runCommand(args: readonly string[], options: ProgramOptions = {}): Promise<ProgramEnd> {
  return await startCommand(args, options).ended;
}

/** What a command with `--json` printed: one value a line. */
export function jsonLines(text: string): readonly Record<string, unknown>[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
