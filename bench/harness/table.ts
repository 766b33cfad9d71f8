import type { MeasuredRow } from "./row.js";

const titles = ["benchmark", "unit", "ours", "peer", "peer's", "ratio", "(low to high)", "target", "met"];

/** The rows as columns of text. */
export function formatTable(rows: readonly MeasuredRow[]): string {
  const lines = [titles, ...rows.map(toCells)];
  const widths = titles.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)));
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

function toCells(row: MeasuredRow): string[] {
  return [
    row.name,
    row.unit,
    formatNumber(row.ours),
    row.peer,
    formatNumber(row.peerValue),
    row.ratio.toFixed(2),
    `(${row.ratioLow.toFixed(2)} to ${row.ratioHigh.toFixed(2)})`,
    row.target ?? "",
    row.met === null ? "" : row.met ? "yes" : "NO",
  ];
}

function formatNumber(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-US") : String(value);
}
