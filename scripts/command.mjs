// Running other programs, with the tools of this repository first on the PATH.
import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";
import { root } from "./workspace.mjs";

/** The environment with `node_modules/.bin` first, and optionally other folders before it. */
export function toolEnvironment(...first) {
  const path = [...first, join(root, "node_modules", ".bin"), process.env.PATH ?? ""].join(delimiter);
  return { ...process.env, PATH: path };
}

/**
 * Runs a program to its end and gives back what it printed. It never throws for an exit code: the caller decides.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, timeoutSeconds?: number, show?: boolean }} [options]
 *   `show` passes the output through as it comes; the default time limit is 300 seconds.
 * @returns {Promise<{ code: number, stdout: string, stderr: string, output: string }>}
 *   code 124 when the time limit ended it, 127 when it could not be started
 */
export function run(program, args, options = {}) {
  const { cwd = root, env = toolEnvironment(), timeoutSeconds = 300, show = false } = options;
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const result = { code: 0, stdout: "", stderr: "", output: "" };
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(child, "SIGKILL");
    }, timeoutSeconds * 1000);
    const endWithUs = () => endGroup(child, "SIGTERM");
    process.once("SIGINT", endWithUs);
    process.once("SIGTERM", endWithUs);
    for (const stream of ["stdout", "stderr"]) {
      child[stream].setEncoding("utf8");
      child[stream].on("data", (text) => {
        result[stream] += text;
        result.output += text;
        if (show) process[stream].write(text);
      });
    }
    const settle = (code) => {
      clearTimeout(timer);
      process.removeListener("SIGINT", endWithUs);
      process.removeListener("SIGTERM", endWithUs);
      if (timedOut) result.output += `\n${program} was ended after ${timeoutSeconds} s\n`;
      resolve({ ...result, code: timedOut ? 124 : code });
    };
    child.once("error", (error) => {
      result.output += `${program} could not be started: ${error.message}\n`;
      settle(127);
    });
    child.once("close", (code) => settle(code ?? 1));
  });
}

/** Ends a program that was started with `detached: true`, and everything that it started. */
export function endGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}
