import type { CallFailure, Distance } from "@connect-plugin/protocol";

/**
 * Everything that happened in a host, in the past tense. Rooms report by `emit`; logs, the operator's view and audit
 * read. Never holds secrets, tokens, payloads or metadata values.
 */
export type HostEvent =
  | { readonly type: "host.starting" }
  | { readonly type: "host.ready" }
  | { readonly type: "host.stopping"; readonly reason: string }
  | { readonly type: "host.stopped"; readonly leaked: readonly string[] }
  | (OfInstance & {
      readonly type: "instance.state";
      readonly from: string;
      readonly to: string;
      readonly reason: string;
    })
  | (OfInstance & { readonly type: "instance.ready"; readonly startedInMs: number })
  | (OfInstance & { readonly type: "instance.failed"; readonly failure: CallFailure })
  | (OfInstance & { readonly type: "instance.health"; readonly health: HealthReport })
  | (OfInstance & {
      readonly type: "instance.output";
      readonly stream: "stdout" | "stderr";
      readonly line: string;
    })
  | (OfInstance & { readonly type: "instance.gone"; readonly exit: InstanceExit })
  | (OfInstance & { readonly type: "handshake.accepted"; readonly runtimeId: string })
  | (OfInstance & { readonly type: "handshake.refused"; readonly failure: CallFailure })
  | {
      readonly type: "service.registered";
      readonly plugin: string;
      readonly service: string;
      readonly version: string;
    }
  | {
      readonly type: "service.unregistered";
      readonly plugin: string;
      readonly service: string;
      readonly reason: string;
    }
  | {
      readonly type: "grant.issued";
      readonly plugin: string;
      readonly capability: string;
      readonly grantId: string;
    }
  | {
      readonly type: "grant.ended";
      readonly plugin: string;
      readonly capability: string;
      readonly grantId: string;
      readonly reason: string;
    }
  | {
      readonly type: "call.refused";
      readonly caller: string;
      readonly service: string;
      readonly method: string;
      readonly failure: CallFailure;
    }
  | {
      readonly type: "plugin.log";
      readonly plugin: string;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: Readonly<Record<string, string>>;
    };

interface OfInstance {
  readonly plugin: string;
  readonly instanceId: string;
}

export type Emit = (event: HostEvent) => void;

export type LogLevel = "debug" | "info" | "warn" | "error";

/** What an instance says of itself. */
export interface HealthReport {
  readonly state: "healthy" | "degraded" | "unhealthy";
  readonly reason: string;
  readonly unavailableDependencies: readonly string[];
}

/** How an instance's carrier ended. */
export type InstanceExit =
  | { readonly kind: "process"; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: "worker"; readonly code: number; readonly leaked: boolean }
  | { readonly kind: "in-process" };

/** For statistics and views: how far away a provider is. */
export type CallDistance = Distance | "host";
