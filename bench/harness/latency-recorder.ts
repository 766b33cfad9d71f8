export interface LatencyRecorder {
  /** In ms. Past the capacity the oldest are written over. */
  add(latency: number): void;
  reset(): void;
  /** In ms; sorts in place, so only once after a run. */
  percentiles<const N extends number>(wanted: readonly N[]): Record<N, number>;
}

/** Room for the latencies of a run, taken once: recording allocates nothing. */
export function createLatencyRecorder(capacity: number): LatencyRecorder {
  const samples = new Float64Array(capacity);
  let added = 0;
  return {
    add(latency) {
      samples[added % capacity] = latency;
      added += 1;
    },
    reset() {
      added = 0;
    },
    percentiles<const N extends number>(wanted: readonly N[]) {
      const kept = samples.subarray(0, Math.min(added, capacity)).sort();
      if (kept.length === 0) throw new RangeError("percentiles: wanted at least one sample, found none");
      const entries = wanted.map((percent) => {
        const index = Math.min(kept.length - 1, Math.floor((kept.length * percent) / 100));
        return [percent, kept[index]!];
      });
      return Object.fromEntries(entries) as Record<N, number>;
    },
  };
}
