import type { ProviderRecord, RegistryEntry } from "./record.js";

/** Providers of one service, by plugin. Plugins are in the order of their names. */
export type ProvidersByPlugin = ReadonlyMap<string, readonly ProviderRecord[]>;

/** Who provides what: the sum of all entries of the log. */
export interface ProviderView {
  /** Takes an entry in, in one step. Returns the records that came, went or changed. */
  apply(entry: RegistryEntry): readonly ProviderRecord[];
  ofInstance(instanceId: string): readonly ProviderRecord[];
  ofService(service: string): ProvidersByPlugin;
  /** Ordered by service, plugin and registration. */
  all(): readonly ProviderRecord[];
}

const nobody: ProvidersByPlugin = new Map();

export function createProviderView(): ProviderView {
  const byInstance = new Map<string, readonly ProviderRecord[]>();
  /** Made when somebody asks, and dropped for the services that an entry touches. */
  const byService = new Map<string, ProvidersByPlugin>();

  function take(instanceId: string): readonly ProviderRecord[] {
    const records = byInstance.get(instanceId) ?? [];
    byInstance.delete(instanceId);
    return records;
  }

  function add(records: readonly ProviderRecord[]): void {
    for (const record of records) {
      byInstance.set(record.instanceId, [...(byInstance.get(record.instanceId) ?? []), record]);
    }
  }

  function change(entry: RegistryEntry): readonly ProviderRecord[] {
    switch (entry.type) {
      case "registered":
        add(entry.records);
        return entry.records;
      case "unregistered":
        return take(entry.instanceId);
      case "health": {
        const changed = (byInstance.get(entry.instanceId) ?? []).map((record) => ({
          ...record,
          health: entry.health,
        }));
        if (changed.length > 0) byInstance.set(entry.instanceId, changed);
        return changed;
      }
      case "switched": {
        const gone = take(entry.old);
        add(entry.records);
        return [...gone, ...entry.records];
      }
    }
  }

  function collect(service: string): ProvidersByPlugin {
    const found = new Map<string, ProviderRecord[]>();
    for (const records of byInstance.values()) {
      for (const record of records) {
        if (record.service !== service) continue;
        const ofPlugin = found.get(record.plugin);
        if (ofPlugin === undefined) found.set(record.plugin, [record]);
        else ofPlugin.push(record);
      }
    }
    return new Map([...found].sort(([a], [b]) => compareText(a, b)));
  }

  function ofService(service: string): ProvidersByPlugin {
    const known = byService.get(service);
    if (known !== undefined) return known;
    const collected = collect(service);
    // Callers may ask for anything; only what exists is worth remembering.
    if (collected.size === 0) return nobody;
    byService.set(service, collected);
    return collected;
  }

  return {
    apply(entry) {
      const affected = change(entry);
      for (const record of affected) byService.delete(record.service);
      return affected;
    },
    ofInstance: (instanceId) => byInstance.get(instanceId) ?? [],
    ofService,
    all() {
      const services = new Set([...byInstance.values()].flat().map((record) => record.service));
      return [...services].sort(compareText).flatMap((service) => [...ofService(service).values()].flat());
    },
  };
}

/** By code units: the same order on every machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
