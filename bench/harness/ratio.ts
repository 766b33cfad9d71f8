/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[sorted.length >> 1];
  if (upper === undefined) throw new RangeError("median: wanted at least one value, found none");
  return sorted.length % 2 === 1 ? upper : (sorted[(sorted.length >> 1) - 1]! + upper) / 2;
}

/** `ours[i] / theirs[i]`: what was measured one after the other is compared with each other only. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  if (ours.length !== theirs.length) {
    throw new RangeError(
      `ratios: wanted as many of ours as of theirs, found ${ours.length} and ${theirs.length}`,
    );
  }
  return ours.map((value, index) => value / theirs[index]!);
}

/** Rounded to so many significant digits, for reading. */
export function significant(value: number, digits: number): number {
  return Number(value.toPrecision(digits));
}
