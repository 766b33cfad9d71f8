import { type ChildProcess, spawn } from "node:child_process";
import { onTestFinished } from "vitest";
import { until } from "./until.js";

/** A program that a test has started. */
export interface RunningProgram {
  readonly pid: number;
  readonly process: ChildProcess;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** The complete lines of stdout so far. */
  readonly lines: readonly string[];
  /** Its next line on stdout; each call gives another one. */
  nextLine(): Promise<string>;
  /** How it ended: code or signal, and all that it wrote. */
  readonly ended: Promise<ProgramEnd>;
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What it reads from stdin. Default: nothing. */
  readonly stdin?: string;
  /** Whether it may outlive the test that started it; then whoever started it ends it. Default: no. */
  readonly outlivesTest?: true;
}

/** Starts Node with these arguments. If it still runs when the test is over, it is killed. */
export function runNode(args: readonly string[], options: ProgramOptions = {}): RunningProgram {
  const child = spawn(process.execPath, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  let given = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  // It may end before it has read everything.
  child.stdin.on("error", () => {});
  child.stdin.end(options.stdin ?? "");
  let over = false;
  const ended = new Promise<ProgramEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      over = true;
      resolve({ code, signal, stdout, stderr });
    });
  });
  if (options.outlivesTest === undefined) {
    onTestFinished(async () => {
      if (!over) child.kill("SIGKILL");
      await ended;
    });
  }
  const linesOf = () => stdout.split("\n").slice(0, -1);
  return {
    pid: child.pid ?? 0,
    process: child,
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    get lines() {
      return linesOf();
    },
    async nextLine() {
      const index = given++;
      await until(`line ${index + 1} is written`, () => {
        if (linesOf().length > index) return true;
        if (over)
          throw new Error(
            `the program ended after ${linesOf().length} lines; it wrote to stderr:\n${stderr}`,
          );
        return false;
      });
      return linesOf()[index] ?? "";
    },
    ended,
  };
}
