import {
  type CallHandler,
  HealthService,
  PluginControl,
  PluginIdentity,
  PluginSessionService,
} from "@connect-plugin/protocol";
import { createServiceEnd, type Implementation, type ServiceEnd } from "@connect-plugin/rpc";
import { describeServices } from "./describe-services.js";
import { createHealthService } from "./health-service.js";
import { createIdentityService } from "./identity-service.js";
import { inflate } from "./inflate.js";
import type { PluginLife } from "./plugin-life.js";
import { refuseStrangers } from "./refuse-by-phase.js";

/** What every plugin serves beside its own services: how its host governs it. */
export interface ControlServices {
  readonly end: ServiceEnd;
  /** By service name. */
  readonly handlers: ReadonlyMap<string, CallHandler>;
}

export function createControlServices(life: PluginLife): ControlServices {
  const { manifest } = life.source;
  const { plugin } = life.boot;

  const session: Implementation<typeof PluginSessionService> = {
    async start(_, call) {
      const report = await life.start(call.signal);
      return {
        health: report.state,
        reason: report.reason,
        unavailableDependencies: [...report.unavailableDependencies],
      };
    },
    async drain() {
      await life.drain();
      return {};
    },
    describe: () => ({ fileDescriptorProto: describeServices(life.source.provides) }),
  };
  const control: Implementation<typeof PluginControl> = {
    getHealth() {
      const report = life.health.now;
      return { ...report, unavailableDependencies: [...report.unavailableDependencies] };
    },
    shutdown({ gracePeriodSeconds, reason }) {
      const graceMs = gracePeriodSeconds > 0 ? { graceMs: gracePeriodSeconds * 1_000 } : {};
      life.end({ how: "asked", reason: reason === "" ? "the host asked for it" : reason, ...graceMs });
      return { acknowledged: true };
    },
  };
  const services = [
    { desc: PluginSessionService, implementation: session },
    { desc: PluginControl, implementation: control },
    { desc: PluginIdentity, implementation: createIdentityService(manifest, () => life.runtimeId) },
    { desc: HealthService, implementation: createHealthService(manifest, life.health, () => life.isServing) },
  ];
  const end = createServiceEnd({
    services,
    inflate,
    // Probes may come from anywhere.
    refuse: (head) => (head.service === HealthService.typeName ? undefined : refuseStrangers(plugin, head)),
    onUnexpectedError: (error, call) => life.logFailure(error, call),
  });
  return { end, handlers: new Map(services.map(({ desc }) => [desc.typeName, end])) };
}
