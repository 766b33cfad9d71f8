import type { PluginEntry } from "@connect-plugin/protocol";
import type { HostEvent } from "../event.js";
import { createHost } from "../host.js";
import type { Host } from "../host-api.js";
import type { HostReport } from "../host-life.js";
import type { HostOptions, PluginSpec } from "../host-options.js";
import { inProcess } from "../launcher/in-process.js";

/** A host for tests, and all that happened in it. */
export interface TestHost {
  readonly host: Host;
  readonly events: readonly HostEvent[];
  /** Settles with the first event that fits, past ones included. */
  until<T extends HostEvent["type"]>(
    type: T,
    fits?: (event: Extract<HostEvent, { type: T }>) => boolean,
  ): Promise<Extract<HostEvent, { type: T }>>;
  start(): Promise<HostReport>;
  /** Stops the host; throws if anything was left behind. */
  [Symbol.asyncDispose](): Promise<void>;
}

export interface TestHostOptions
  extends Omit<HostOptions<Record<string, unknown>>, "plugins" | "output" | "onEvent"> {
  /** Entries run in this process; anything else is a spec. */
  readonly plugins: Readonly<Record<string, PluginEntry | PluginSpec>>;
}

/** Makes a host whose plugins run in this process, that shows nothing and remembers everything. */
export function createTestHost({ plugins, ...options }: TestHostOptions): TestHost {
  const events: HostEvent[] = [];
  const listeners = new Set<(event: HostEvent) => void>();
  const specs: Record<string, PluginSpec> = {};
  for (const [name, plugin] of Object.entries(plugins)) {
    specs[name] = "$connectPlugin" in plugin ? { launch: inProcess(plugin) } : plugin;
  }
  const host: Host = createHost({
    ...options,
    plugins: specs,
    output: "events",
    onEvent(event) {
      events.push(event);
      for (const listener of [...listeners]) listener(event);
    },
  });

  return {
    host,
    events,
    until<T extends HostEvent["type"]>(
      type: T,
      fits: (event: Extract<HostEvent, { type: T }>) => boolean = () => true,
    ) {
      type Wanted = Extract<HostEvent, { type: T }>;
      const isWanted = (event: HostEvent): event is Wanted => event.type === type && fits(event as Wanted);
      const past = events.find(isWanted);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise<Wanted>((resolve) => {
        const listener = (event: HostEvent) => {
          if (!isWanted(event)) return;
          listeners.delete(listener);
          resolve(event);
        };
        listeners.add(listener);
      });
    },
    start: () => host.start(),
    async [Symbol.asyncDispose]() {
      const { leaked } = await host.stop();
      if (leaked.length > 0) throw new Error(`the host left behind: ${leaked.join("; ")}`);
    },
  };
}
