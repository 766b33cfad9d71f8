/**
 * Measures A B C, A B C, …: what a noisy machine does to one of them in a round, it most likely does to all.
 *
 * @returns for each side, one result for each round
 */
export async function interleave<T>(
  rounds: number,
  sides: readonly (() => Promise<T>)[],
): Promise<readonly T[][]> {
  const results: T[][] = sides.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, measure] of sides.entries()) results[index]!.push(await measure());
  }
  return results;
}
