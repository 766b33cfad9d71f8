export interface Rounds {
  readonly rounds: number;
  /** No further round begins when so much time has passed; the first always does. */
  readonly limitMs: number;
}

/**
 * Measures A B C, A B C, …: what a noisy machine does to one of them in a round, it most likely does to all.
 *
 * @returns for each side, one result for each round
 */
export async function interleave<T>(
  { rounds, limitMs }: Rounds,
  sides: readonly (() => Promise<T>)[],
): Promise<readonly T[][]> {
  const results: T[][] = sides.map(() => []);
  const began = performance.now();
  for (let round = 0; round < rounds; round += 1) {
    if (round > 0 && performance.now() - began > limitMs) break;
    for (const [index, measure] of sides.entries()) results[index]!.push(await measure());
  }
  return results;
}
