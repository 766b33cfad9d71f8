import { HealthState } from "@connect-plugin/protocol";
import type { PluginHealth } from "../define/plugin-context.js";
import { type ChangeFeed, createChangeFeed } from "./change-feed.js";

const MAX_REASON_LENGTH = 1_000;
const MAX_UNAVAILABLE = 100;
const MAX_DEPENDENCY_LENGTH = 256;

/** How a plugin is, in the words of the wire. */
export interface HealthReport {
  readonly state: HealthState;
  readonly reason: string;
  readonly unavailableDependencies: readonly string[];
}

/** Keeps what the plugin last said of its health. */
export interface HealthKeeper {
  readonly now: HealthReport;
  readonly changes: ChangeFeed;
  /** What the plugin's code says it with. */
  readonly voice: PluginHealth;
}

export function createHealthKeeper(): HealthKeeper {
  let now: HealthReport = { state: HealthState.HEALTHY, reason: "", unavailableDependencies: [] };
  const changes = createChangeFeed();

  function say(state: HealthState, reason: unknown, unavailable: unknown): void {
    const report = {
      state,
      reason: bound(reason, MAX_REASON_LENGTH),
      unavailableDependencies: list(unavailable),
    };
    if (isSame(report, now)) return;
    now = report;
    changes.changed();
  }

  return {
    get now() {
      return now;
    },
    changes,
    voice: {
      healthy: () => say(HealthState.HEALTHY, "", []),
      degraded: (reason, unavailable) => say(HealthState.DEGRADED, reason, unavailable),
      unhealthy: (reason) => say(HealthState.UNHEALTHY, reason, []),
    },
  };
}

/** The keeper never throws at a plugin that says it is ill, whatever it says it with. */
function list(unavailable: unknown): readonly string[] {
  if (!Array.isArray(unavailable)) return [];
  return unavailable.slice(0, MAX_UNAVAILABLE).map((name: unknown) => bound(name, MAX_DEPENDENCY_LENGTH));
}

function bound(text: unknown, limit: number): string {
  const whole = typeof text === "string" ? text : "";
  return whole.length > limit ? `${whole.slice(0, limit)}…` : whole;
}

function isSame(a: HealthReport, b: HealthReport): boolean {
  return (
    a.state === b.state &&
    a.reason === b.reason &&
    a.unavailableDependencies.length === b.unavailableDependencies.length &&
    a.unavailableDependencies.every((name, index) => name === b.unavailableDependencies[index])
  );
}
