import { type CallFailure, Codes } from "@connect-plugin/protocol";
import type { CallDistance } from "../event.js";
import { createLatencyHistogram, type LatencyHistogram } from "./latency-histogram.js";

/** Who called whom, how often and how fast. */
export interface Traffic {
  /** The place where calls of this kind are counted. Look it up once and keep it. */
  edge(key: EdgeKey): TrafficEdge;
  /** Ordered by caller, provider, service, method and distance. */
  snapshot(): readonly EdgeSnapshot[];
}

export interface EdgeKey {
  /** Name of the calling plugin, host or operator. */
  readonly caller: string;
  /** Name of the plugin that is called, or of the host. */
  readonly provider: string;
  readonly service: string;
  readonly method: string;
  /** Where the provider runs. */
  readonly distance: CallDistance;
}

export interface EdgeSnapshot extends EdgeKey {
  /** Calls that have ended. */
  readonly calls: number;
  /** Those of them that failed; being cancelled by the caller is no failure. */
  readonly errors: number;
  /** From the start of a call to its end, in microseconds. Right within 7 %. */
  readonly p50Micros: number;
  readonly p99Micros: number;
  /** Exact. */
  readonly maxMicros: number;
}

export class TrafficEdge {
  readonly key: EdgeKey;
  private errors = 0;
  private readonly latency: LatencyHistogram = createLatencyHistogram();

  constructor(key: EdgeKey) {
    this.key = key;
  }

  ended(ms: number, failure: CallFailure | undefined): void {
    this.latency.record(ms);
    if (failure !== undefined && failure.code !== Codes.canceled) this.errors++;
  }

  snapshot(): EdgeSnapshot {
    const { latency } = this;
    return {
      ...this.key,
      calls: latency.count,
      errors: this.errors,
      p50Micros: latency.percentile(0.5),
      p99Micros: latency.percentile(0.99),
      maxMicros: latency.max,
    };
  }
}

/** What is counted together when there are too many edges to count apart. */
const OTHERS: EdgeKey = {
  caller: "(others)",
  provider: "(others)",
  service: "",
  method: "",
  distance: "host",
};

/** @param limit edges that are counted apart */
export function createTraffic(limit: number): Traffic {
  const edges = new Map<string, TrafficEdge>();
  const others = new TrafficEdge(OTHERS);

  return {
    edge(key) {
      const { caller, provider, service, method, distance } = key;
      const name = `${caller} ${provider} ${service} ${method} ${distance}`;
      const known = edges.get(name);
      if (known !== undefined) return known;
      if (edges.size >= limit) return others;
      const edge = new TrafficEdge({ caller, provider, service, method, distance });
      edges.set(name, edge);
      return edge;
    },
    snapshot() {
      const named = [...edges].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, edge]) => edge.snapshot());
      const rest = others.snapshot();
      return [...named, rest].filter(({ calls }) => calls > 0);
    },
  };
}
