/** How calls are shared among the instances of one plugin. */
export type Strategy =
  /** Always the one that registered first. */
  | "first"
  /** Each in turn. */
  | "round-robin"
  | "random"
  /** At random, in proportion to their weights. */
  | "weighted"
  /** The one with the fewest calls in flight; in turn among those. */
  | "least-loaded";

const strategies: Readonly<Record<Strategy, true>> = {
  first: true,
  "round-robin": true,
  random: true,
  weighted: true,
  "least-loaded": true,
};

/** All there are, for who has to name them. */
export const strategyNames: readonly string[] = Object.keys(strategies);

export interface Candidate {
  readonly record: { readonly weight: number };
  readonly use: { readonly inFlight: number };
}

/** Whose turn it is. Shared by all who call the plugin's service, so that together they spread. */
export interface Turn {
  next: number;
}

/** Chooses one of at least one. */
export function choose<C extends Candidate>(
  strategy: Strategy,
  candidates: readonly [C, ...C[]],
  turn: Turn,
  random: () => number,
): C {
  if (candidates.length === 1) return candidates[0];
  switch (strategy) {
    case "first":
      return candidates[0];
    case "round-robin":
      return at(candidates, takeTurn(turn, candidates.length));
    case "random":
      return at(candidates, Math.floor(random() * candidates.length));
    case "weighted":
      return byWeight(candidates, random);
    case "least-loaded":
      return leastLoaded(candidates, takeTurn(turn, candidates.length));
  }
}

function takeTurn(turn: Turn, count: number): number {
  const index = turn.next % count;
  turn.next = index + 1;
  return index;
}

function byWeight<C extends Candidate>(candidates: readonly [C, ...C[]], random: () => number): C {
  let total = 0;
  for (const candidate of candidates) total += candidate.record.weight;
  let left = random() * total;
  for (const candidate of candidates) {
    left -= candidate.record.weight;
    if (left < 0) return candidate;
  }
  return candidates[0];
}

function leastLoaded<C extends Candidate>(candidates: readonly [C, ...C[]], from: number): C {
  let least = at(candidates, from);
  for (let step = 1; step < candidates.length; step++) {
    const other = at(candidates, (from + step) % candidates.length);
    if (other.use.inFlight < least.use.inFlight) least = other;
  }
  return least;
}

function at<C>(candidates: readonly [C, ...C[]], index: number): C {
  return candidates[index] ?? candidates[0];
}
