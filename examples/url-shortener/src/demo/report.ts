import type { EdgeSnapshot } from "@connect-plugin/host";
import type { Run } from "./run-once.js";

/** Who called whom, over which distance, how often and how fast. */
export function trafficTable({ traffic, distances }: Run): string {
  const rows = traffic.map((edge) => [
    where(edge.caller, distances),
    `${edge.provider} (${edge.distance})`,
    `${edge.service.replace(/^.*\./, "")}/${edge.method}`,
    edge.calls.toLocaleString("en"),
    String(edge.errors),
    latency(edge, "p50Micros"),
    latency(edge, "p99Micros"),
  ]);
  return table([["caller", "provider", "method", "calls", "errors", "p50", "p99"], ...rows]);
}

/** What was wrong with a run; empty if nothing was. */
export function problemsOf({ outcome, leaked }: Run, urls: readonly string[]): string[] {
  const { codes, wrong, clicksSeen } = outcome;
  const problems = [...wrong, ...leaked.map((what) => `left behind: ${what}`)];
  if (codes.size !== urls.length) problems.push(`${codes.size} of ${urls.length} URLs got a code`);
  if (clicksSeen !== urls.length * 2)
    problems.push(`the counters told of ${clicksSeen} clicks, not of ${urls.length * 2}`);
  return problems;
}

function where(name: string, distances: ReadonlyMap<string, string>): string {
  const distance = distances.get(name);
  return distance === undefined ? name : `${name} (${distance})`;
}

function latency(edge: EdgeSnapshot, percentile: "p50Micros" | "p99Micros"): string {
  const micros = edge[percentile];
  return micros < 1_000 ? `${Math.round(micros)} µs` : `${(micros / 1_000).toFixed(1)} ms`;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `  ${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}`,
    )
    .join("\n");
}
