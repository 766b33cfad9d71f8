import type { HostEvent } from "../event.js";
import type { Registry } from "../registry/registry.js";
import type { Supervisor } from "../supervisor/supervisor.js";

/** What an operator sees of a host, and can ask of it. */
export interface AdminView {
  readonly host: HostFacts;
  readonly supervisor: Supervisor;
  readonly registry: Registry;
  /** On the supervisor's clock, in ms. */
  readonly now: () => number;
  readonly traffic: () => readonly TrafficFacts[];
  /** Calls the listener for each event from now on. Returns what ends that. */
  readonly subscribe: (listener: (event: HostEvent) => void) => () => void;
  /** Begins the end of the host; without a time, the host's own. Returns at once. */
  readonly stop: (graceMs: number | undefined) => void;
}

export interface HostFacts {
  readonly id: string;
  /** Of the host's package. */
  readonly version: string;
  readonly startedAt: Date;
  /** Absolute; undefined if the host was made by a program. */
  readonly configPath: string | undefined;
  /** Such as `running`. */
  readonly state: () => string;
}

/** Calls of one method from one caller to one provider. */
export interface TrafficFacts {
  readonly caller: string;
  readonly provider: string;
  readonly service: string;
  readonly method: string;
  readonly distance: string;
  readonly calls: number;
  readonly errors: number;
  readonly p50Micros: number;
  readonly p99Micros: number;
  readonly maxMicros: number;
}
