import type { Connection } from "@connect-plugin/protocol";
import type { Emit, HealthReport } from "../event.js";
import type { Launcher } from "../launcher/launcher.js";
import type { ProviderRecord } from "../registry/record.js";
import type { Expectation } from "../session/claims.js";
import type { HostSession, SessionRequest } from "../session/host-session.js";
import type { Clock } from "./clock.js";
import type { InstanceDeadlines } from "./deadlines.js";

/** What the operator declares of a plugin, as far as its life is concerned. */
export interface SupervisedPlugin {
  readonly launcher: Launcher;
  /** Handed to the plugin in its first frame. */
  readonly config: unknown;
  /** Whether the host refuses to start without it. */
  readonly essential: boolean;
  /** What its manifest must keep to. */
  readonly expect: Expectation;
}

/** Where ready instances are announced. */
export interface Roster {
  register(records: readonly ProviderRecord[], connection: Connection): void;
  /** Idempotent. */
  unregister(instanceId: string, reason: string): void;
  health(instanceId: string, health: HealthReport["state"]): void;
}

/** What the life of an instance needs of the rest of the host. */
export interface Surroundings {
  readonly openSession: (request: SessionRequest) => HostSession;
  readonly roster: Roster;
  readonly deadlines: InstanceDeadlines;
  readonly clock: Clock;
  readonly emit: Emit;
}
