import { HealthState } from "./gen/connectplugin/v1/lifecycle_pb.js";

/** How a plugin says that it is. */
export type HealthStateName = "healthy" | "degraded" | "unhealthy";

const states = {
  healthy: HealthState.HEALTHY,
  degraded: HealthState.DEGRADED,
  unhealthy: HealthState.UNHEALTHY,
} as const satisfies Record<HealthStateName, HealthState>;

/** The state of health as a message has it. */
export function healthStateToWire(name: HealthStateName): HealthState {
  return states[name];
}

/** The state of health in a message; undefined if it does not say or only a newer peer knows. */
export function healthStateFromWire(state: number): HealthStateName | undefined {
  for (const [name, known] of Object.entries(states)) {
    if (known === state) return name as HealthStateName;
  }
  return undefined;
}
