import {
  createHost,
  type Host,
  type HostEvent,
  type HostOptions,
  type PluginSummary,
} from "@connect-plugin/host";
import { onTestFinished } from "vitest";
import { PATIENT } from "./patience.js";

/** A host of one test, and everything that happened in it. */
export interface MadeHost<K extends string> {
  readonly host: Host<K>;
  readonly events: readonly HostEvent[];
  /** How a plugin is now. */
  status(plugin: K): PluginSummary;
  /** The events of one type, in order. */
  eventsOf<T extends HostEvent["type"]>(type: T): readonly Extract<HostEvent, { type: T }>[];
}

/** Makes a host that is stopped when the test is over, whatever became of it. Not started yet. */
export function makeHost<const P extends Record<string, unknown>>(
  options: HostOptions<P>,
): MadeHost<keyof P & string> {
  const events: HostEvent[] = [];
  const host = createHost<P>({
    name: "e2e",
    output: "events",
    ...options,
    deadlines: { ...PATIENT, ...options.deadlines },
    onEvent: (event) => {
      events.push(event);
    },
  });
  onTestFinished(async () => {
    await host.stop({ graceMs: 1_000 });
  });
  return {
    host,
    events,
    status(name) {
      const found = host.status().plugins.find((plugin) => plugin.name === name);
      if (found === undefined) throw new Error(`the host has no plugin ${name}`);
      return found;
    },
    eventsOf: (type) =>
      events.filter((event): event is Extract<HostEvent, { type: typeof type }> => event.type === type),
  };
}
