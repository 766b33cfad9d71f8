import type { Connection, OfferedService } from "@connect-plugin/protocol";
import type { CallDistance, HealthReport } from "../event.js";

/** One provider: one instance's offer of one service. */
export interface ProviderRecord {
  readonly service: string;
  /** Semver of the contract. */
  readonly version: string;
  readonly offered: OfferedService;
  readonly plugin: string;
  /** Counts up each time the plugin's spec is changed. */
  readonly generation: number;
  readonly instanceId: string;
  readonly runtimeId: string;
  readonly distance: CallDistance;
  /** Share of calls among the instances of one plugin; 1 by default. */
  readonly weight: number;
  readonly health: HealthReport["state"];
}

/** Where in the log a view stands. `epoch` names one life of the log; revisions count from 1 without gaps. */
export interface Cursor {
  readonly epoch: string;
  readonly revision: number;
}

/** What happened to the set of providers, in order. */
export type RegistryEntry =
  | { readonly type: "registered"; readonly instanceId: string; readonly records: readonly ProviderRecord[] }
  | { readonly type: "unregistered"; readonly instanceId: string; readonly reason: string }
  | { readonly type: "health"; readonly instanceId: string; readonly health: HealthReport["state"] }
  /** All providers of one plugin change hands in one step. */
  | {
      readonly type: "switched";
      readonly plugin: string;
      readonly old: string;
      readonly records: readonly ProviderRecord[];
    };

/** A counted use of a provider. Released exactly once. */
export interface Lease {
  readonly record: ProviderRecord;
  readonly connection: Connection;
  release(): void;
}
