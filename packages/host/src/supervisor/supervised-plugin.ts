import type { Connection, Manifest } from "@connect-plugin/protocol";
import type { Emit, HealthReport } from "../event.js";
import type { Launcher } from "../launcher/launcher.js";
import type { ProviderRecord } from "../registry/record.js";
import type { HostSession, SessionRequest } from "../session/host-session.js";
import type { Clock } from "./clock.js";
import type { InstanceDeadlines } from "./deadlines.js";

/** What the operator declares of a plugin, as far as its life is concerned. */
export interface SupervisedPlugin {
  readonly launcher: Launcher;
  /** Handed to the plugin in its first frame. */
  readonly config: unknown;
  /** What its manifest must keep to. */
  readonly expect: ManifestExpectation;
}

/** What an operator may insist on. */
export interface ManifestExpectation {
  /** Protobuf names of the services that it may provide; undefined for any. */
  readonly services: readonly string[] | undefined;
  /** Semver range that the version of its package must lie in; undefined for any. */
  readonly version: string | undefined;
}

/** Where ready instances are announced. */
export interface Roster {
  register(records: readonly ProviderRecord[], connection: Connection, manifest: Manifest): void;
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
