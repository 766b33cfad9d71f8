/** The end of what a plugin wrote, over all its instances. */
export interface LastOutput {
  add(line: string): void;
  /** Oldest first. */
  list(): readonly string[];
}

/** How many lines of a plugin's output are kept. */
export const LAST_OUTPUT_LINES = 200;

export function createLastOutput(limit = LAST_OUTPUT_LINES): LastOutput {
  const ring: string[] = [];
  let next = 0;
  return {
    add(line) {
      ring[next] = line;
      next = (next + 1) % limit;
    },
    list: () => (ring.length < limit ? [...ring] : [...ring.slice(next), ...ring.slice(0, next)]),
  };
}
