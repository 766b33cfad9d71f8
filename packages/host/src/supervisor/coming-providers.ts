import type { CallHead, Reason } from "@connect-plugin/protocol";
import type { Registry } from "../registry/registry.js";
import type { Supervisor } from "./supervisor.js";

export interface ComingProvidersOptions {
  readonly supervisor: Pick<Supervisor, "anyComing" | "mayCome">;
  readonly registry: Pick<Registry, "obstacle">;
  /** By service, the plugin that the operator wants it from. */
  readonly prefer: Readonly<Record<string, string>>;
  /** Whether the host itself answers calls of this service. */
  readonly isOfHost: (service: string) => boolean;
}

/** What a pick fails with while the provider is away. */
const AWAY: ReadonlySet<Reason> = new Set(["NO_PROVIDER", "PROVIDER_GONE"]);

/** Whether a call has no provider now, but one is on its way up: for who lets calls wait. */
export function createComingProviders(
  options: ComingProvidersOptions,
): (head: CallHead, caller: string | undefined) => boolean {
  const { supervisor, registry, isOfHost } = options;
  const preferred = new Map(Object.entries(options.prefer));
  return ({ service, target }, caller) => {
    // Nearly always the end of it.
    if (!supervisor.anyComing) return false;
    if (isOfHost(service)) return false;
    const prefer = preferred.get(service);
    const obstacle = registry.obstacle({
      service,
      ...(target === undefined ? {} : { target }),
      ...(prefer === undefined ? {} : { prefer }),
      ...(caller === undefined ? {} : { callerPlugin: caller }),
    });
    const reason = obstacle?.info?.reason;
    if (reason === undefined || !AWAY.has(reason)) return false;
    const plugin = target ?? (prefer === caller ? undefined : prefer);
    return supervisor.mayCome({ service, plugin, caller });
  };
}
