import type { Manifest } from "@connect-plugin/protocol";
import type { CallDistance, HealthReport } from "../event.js";
import type { ProviderRecord } from "../registry/record.js";

/** What an instance offers, service by service, as it is announced. */
export function createProviderRecords(instance: {
  readonly plugin: string;
  readonly generation: number;
  readonly instanceId: string;
  readonly runtimeId: string;
  readonly distance: CallDistance;
  readonly manifest: Manifest;
  readonly health: HealthReport["state"];
}): readonly ProviderRecord[] {
  const { manifest, ...rest } = instance;
  return manifest.provides.map((offered) => ({
    service: offered.service,
    version: offered.version,
    offered,
    weight: 1,
    ...rest,
  }));
}
