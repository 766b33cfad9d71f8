import type { RequiredService } from "@connect-plugin/protocol";

/**
 * What a principal may call: everything, what plugins provide but no facility of the host (those are lent to plugins
 * only), or what its manifest requires.
 */
export type Needs = "all" | "provided" | readonly RequiredService[];

/** All that a manifest says of one service, taken together. */
export interface Need {
  /** Any version that satisfies one of the manifest's ranges. */
  readonly range: string;
  /** Whether it is a facility of the host that is wanted, not another plugin's service. */
  readonly capability: boolean;
}

export function needsByService(required: readonly RequiredService[]): ReadonlyMap<string, Need> {
  const needs = new Map<string, Need>();
  for (const { service, range, arity } of required) {
    const known = needs.get(service);
    needs.set(service, {
      range: known === undefined || known.range === range ? range : `${known.range} || ${range}`,
      capability: arity === "capability" || known?.capability === true,
    });
  }
  return needs;
}
