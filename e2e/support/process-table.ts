import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  /** Ended, and only waits for its parent to hear of it. */
  readonly isZombie: boolean;
}

/** Whether a process still runs. One that has ended and was not fetched by its parent does not. */
export function isRunning(pid: number): boolean {
  return readProcesses().some((row) => row.pid === pid && !row.isZombie);
}

/** The processes that one has started and that still run. */
export function childrenOf(parent: number): readonly number[] {
  return readProcesses()
    .filter((row) => row.parent === parent && !row.isZombie)
    .map((row) => row.pid);
}

function readProcesses(): readonly ProcessRow[] {
  return process.platform === "linux" ? readProc() : readPs();
}

function readProc(): readonly ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, "utf8");
      // The command may hold anything; what follows its last parenthesis does not.
      const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      rows.push({ pid: Number(name), parent: Number(parent), isZombie: state === "Z" || state === "X" });
    } catch {
      // It ended while we looked.
    }
  }
  return rows;
}

function readPs(): readonly ProcessRow[] {
  const table = execFileSync("ps", ["-A", "-o", "pid=,ppid=,state="], { encoding: "utf8" });
  return table.split("\n").flatMap((line) => {
    const [pid, parent, state] = line.trim().split(/\s+/);
    if (pid === undefined || parent === undefined || state === undefined) return [];
    return [{ pid: Number(pid), parent: Number(parent), isZombie: state.startsWith("Z") }];
  });
}
