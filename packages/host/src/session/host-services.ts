import type { DescService } from "@bufbuild/protobuf";
import {
  type CallHandler,
  HostSessionService,
  PluginLifecycle,
  ServiceRegistry,
} from "@connect-plugin/protocol";
import { createServiceEnd } from "@connect-plugin/rpc";
import type { Authorize } from "../auth/decision.js";
import type { Registry } from "../registry/registry.js";
import type { ProvenPlugin } from "./host-session.js";
import { createHostSessionService } from "./host-session-service.js";
import { createPluginLifecycle } from "./plugin-lifecycle.js";
import { createServiceRegistry } from "./service-registry.js";
import { createWatchAccess } from "./watch-access.js";
import { createWatchLimit } from "./watch-limit.js";

/** Watches that a plugin may hold open at once. */
const WATCHES_PER_PLUGIN = 100;

export interface HostServicesOptions {
  readonly registry: Registry;
  readonly authorize: Authorize | undefined;
  /** Told of what a service threw that is no answer. */
  readonly onError: (error: unknown) => void;
}

/** What the host itself answers to one plugin, by service name. */
export function createHostServices(
  { registry, authorize, onError }: HostServicesOptions,
  { principal, manifest, reportHealth }: ProvenPlugin,
): Map<string, CallHandler> {
  const mayWatch = createWatchAccess(principal, manifest, authorize);
  const limit = createWatchLimit(principal.name, WATCHES_PER_PLUGIN);
  const serve = (desc: DescService, implementation: object): [string, CallHandler] => [
    desc.typeName,
    createServiceEnd({ services: [{ desc, implementation }], onUnexpectedError: onError }),
  ];
  return new Map([
    serve(PluginLifecycle, createPluginLifecycle(reportHealth)),
    serve(HostSessionService, createHostSessionService(registry, principal.name, mayWatch, limit)),
    serve(ServiceRegistry, createServiceRegistry(registry, principal, manifest, mayWatch, limit)),
  ]);
}
