import type { HostEvent, LogLevel } from "./event.js";

/** An event in words. */
export interface EventText {
  readonly level: LogLevel;
  /** The plugin that it is about; empty if it is about the host. */
  readonly plugin: string;
  readonly message: string;
  /** What of it a program may want. Holds no secrets, as events do not. */
  readonly facts: Readonly<Record<string, string>>;
}

/** Says an event in words: for logs, terminals and the operator's watch. */
export function describeEvent(event: HostEvent): EventText {
  switch (event.type) {
    case "host.starting":
      return about("debug", "", "the host is starting");
    case "host.ready":
      return about("info", "", "the host is ready");
    case "host.stopping":
      return about("info", "", `the host is stopping: ${event.reason}`, { reason: event.reason });
    case "host.stopped":
      return event.leaked.length === 0
        ? about("info", "", "the host has stopped")
        : about("error", "", `the host has stopped but left behind: ${event.leaked.join("; ")}`);
    case "instance.state":
      return about("debug", event.plugin, `${event.from} → ${event.to}: ${event.reason}`, {
        instanceId: event.instanceId,
        from: event.from,
        to: event.to,
        reason: event.reason,
      });
    case "instance.ready":
      return about("info", event.plugin, `ready after ${Math.round(event.startedInMs)} ms`, {
        instanceId: event.instanceId,
        startedInMs: event.startedInMs.toFixed(1),
      });
    case "instance.failed":
      return about("error", event.plugin, event.failure.message, {
        instanceId: event.instanceId,
        reason: event.failure.info?.reason ?? "",
      });
    case "instance.health": {
      const { state, reason } = event.health;
      const level = state === "healthy" ? "info" : "warn";
      return about(level, event.plugin, `says that it is ${state}${reason === "" ? "" : `: ${reason}`}`, {
        instanceId: event.instanceId,
        state,
        unavailableDependencies: event.health.unavailableDependencies.join(", "),
      });
    }
    case "instance.output":
      return about("info", event.plugin, event.line, { instanceId: event.instanceId, stream: event.stream });
    case "instance.gone":
      return about("debug", event.plugin, "its carrier has ended", {
        instanceId: event.instanceId,
        ...exitFacts(event.exit),
      });
    case "handshake.accepted":
      return about("debug", event.plugin, `got the identity ${event.runtimeId}`, {
        instanceId: event.instanceId,
        runtimeId: event.runtimeId,
      });
    case "handshake.refused":
      return about("error", event.plugin, `its handshake was refused: ${event.failure.message}`, {
        instanceId: event.instanceId,
        reason: event.failure.info?.reason ?? "",
      });
    case "service.registered":
      return about("debug", event.plugin, `provides ${event.service} ${event.version}`, {
        service: event.service,
        version: event.version,
      });
    case "service.unregistered":
      return about("debug", event.plugin, `provides ${event.service} no more: ${event.reason}`, {
        service: event.service,
        reason: event.reason,
      });
    case "grant.issued":
      return about("debug", event.plugin, `was granted ${event.capability}`, {
        capability: event.capability,
      });
    case "grant.ended":
      return about("debug", event.plugin, `lost its grant of ${event.capability}: ${event.reason}`, {
        capability: event.capability,
        reason: event.reason,
      });
    case "call.refused":
      return about(
        "warn",
        event.caller,
        `its call of ${event.service}/${event.method} was refused: ${event.failure.message}`,
        { service: event.service, method: event.method, reason: event.failure.info?.reason ?? "" },
      );
    case "plugin.log":
      return about(event.level, event.plugin, event.message, event.fields);
  }
}

function about(
  level: LogLevel,
  plugin: string,
  message: string,
  facts: Readonly<Record<string, string>> = {},
): EventText {
  return { level, plugin, message, facts };
}

function exitFacts(exit: {
  readonly kind: string;
  readonly code?: number | null;
  readonly signal?: string | null;
}) {
  const facts: Record<string, string> = { kind: exit.kind };
  if (exit.code !== undefined && exit.code !== null) facts.code = String(exit.code);
  if (exit.signal !== undefined && exit.signal !== null) facts.signal = exit.signal;
  return facts;
}
