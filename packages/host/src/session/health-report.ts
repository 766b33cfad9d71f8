import { type HealthState, healthStateFromWire } from "@connect-plugin/protocol";
import type { HealthReport } from "../event.js";

/** What a plugin says of its health, in any of the messages that tell it. */
interface ToldHealth {
  readonly state: HealthState;
  readonly reason: string;
  readonly unavailableDependencies: readonly string[];
}

const REASON_LIMIT = 1_024;
const DEPENDENCIES_LIMIT = 100;

/** Reads what a plugin says of its health. Whoever says nothing, or what only a newer peer knows, is well. */
export function readHealthReport(told: ToldHealth): HealthReport {
  return {
    state: healthStateFromWire(told.state) ?? "healthy",
    reason: told.reason.slice(0, REASON_LIMIT),
    unavailableDependencies: told.unavailableDependencies.slice(0, DEPENDENCIES_LIMIT),
  };
}
