import { median, ratios, significant } from "./ratio.js";

/** What is wanted of a row. Without one the row only informs. */
export type Target =
  | { readonly kind: "ratio at least"; readonly value: number }
  | { readonly kind: "ratio at most"; readonly value: number }
  /** Ours minus the peer's, in the row's unit. */
  | { readonly kind: "adds at most"; readonly value: number };

/** One line of `latest.json`. */
export interface Row {
  readonly name: string;
  /** Of `ours` and `peerValue`. */
  readonly unit: string;
  /** Median of the rounds. */
  readonly ours: number;
  /** What ours is compared with. */
  readonly peer: string;
  /** Median of the rounds. */
  readonly peerValue: number;
  /** Median of the ratios ours / peer of each round. */
  readonly ratio: number;
  /** In words; null where the row only informs. */
  readonly target: string | null;
  /** Null where there is no target. */
  readonly met: boolean | null;
}

/** A row and how far its rounds lay apart. */
export interface MeasuredRow extends Row {
  readonly ratioLow: number;
  readonly ratioHigh: number;
}

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly peer: string;
  /** One value for each round. */
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
  readonly target?: Target;
}

export function createRow(measurement: Measurement): MeasuredRow {
  const { name, unit, peer, target } = measurement;
  const each = ratios(measurement.ours, measurement.theirs);
  const ours = median(measurement.ours);
  const peerValue = median(measurement.theirs);
  const ratio = median(each);
  return {
    name,
    unit,
    ours: significant(ours, 4),
    peer,
    peerValue: significant(peerValue, 4),
    ratio: significant(ratio, 4),
    target: target === undefined ? null : describeTarget(target, unit),
    met: target === undefined ? null : isMet(target, { ratio, difference: ours - peerValue }),
    ratioLow: significant(Math.min(...each), 4),
    ratioHigh: significant(Math.max(...each), 4),
  };
}

function describeTarget(target: Target, unit: string): string {
  switch (target.kind) {
    case "ratio at least":
      return `>= ${target.value}x`;
    case "ratio at most":
      return `<= ${target.value}x`;
    case "adds at most":
      return `<= ${target.value} ${unit} more`;
  }
}

function isMet(target: Target, found: { ratio: number; difference: number }): boolean {
  switch (target.kind) {
    case "ratio at least":
      return found.ratio >= target.value;
    case "ratio at most":
      return found.ratio <= target.value;
    case "adds at most":
      return found.difference <= target.value;
  }
}

/** The lines of `latest.json`, without what only the table shows. */
export function toJson(rows: readonly MeasuredRow[]): string {
  const lines = rows.map(({ ratioLow: _, ratioHigh: __, ...row }): Row => row);
  return `${JSON.stringify(lines, undefined, 2)}\n`;
}
