import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  isAtLeast,
  type Manifest,
  quoted,
  type ServiceEndpoint,
  ServiceEndpointSchema,
  type ServiceRegistry,
  ServiceState,
  satisfies,
  serviceOfEndpointPath,
  type WatchServiceEventSchema,
} from "@connect-plugin/protocol";
import { failureError, type Implementation } from "@connect-plugin/rpc";
import type { Principal } from "../auth/principal.js";
import type { ProviderList } from "../registry/provider-watch.js";
import type { ProviderRecord } from "../registry/record.js";
import type { Registry } from "../registry/registry.js";
import { checkRange, cursorFromWire, cursorToWire } from "./host-session-service.js";
import type { WatchAccess } from "./watch-access.js";
import type { WatchLimit } from "./watch-limit.js";

/**
 * The registry as connect-plugin for Go has it, for a plugin on a lane. Such a plugin has registered what its manifest
 * offers by becoming ready, and finds others by service name; this is for code that was written against Go's calls.
 */
export function createServiceRegistry(
  registry: Registry,
  principal: Principal,
  manifest: Manifest,
  mayWatch: WatchAccess,
  limit: WatchLimit,
): Implementation<typeof ServiceRegistry> {
  return {
    registerService(request) {
      const service = request.service !== "" ? request.service : serviceOfPath(request.endpointPath);
      if (!manifest.provides.some((offered) => offered.service === service)) {
        throw failureError(
          "SERVICE_NOT_DECLARED",
          `plugin "${principal.name}" registers ${quoted(service)}, which its manifest does not provide; add it to "provides"`,
          { facts: { plugin: principal.name, service } },
        );
      }
      return { registrationId: `${principal.runtimeId}/${service}`, cursor: cursorToWire(registry.cursor) };
    },
    unregisterService() {
      throw failureError(
        "UNKNOWN_METHOD",
        `plugin "${principal.name}" cannot take back single services: what its manifest provides ends with its instance; report health instead`,
        { facts: { plugin: principal.name } },
      );
    },
    discoverService(request) {
      const service = serviceOf(request);
      mayWatch(service);
      const range = checkRange(request.range);
      const all = registry.providers(service);
      const fitting = all.filter(({ version }) =>
        range === undefined ? isAtLeast(version, request.minVersion) : satisfies(version, range),
      );
      const found = fitting.find((record) => record.health !== "unhealthy");
      if (found === undefined) {
        throw failureError(
          "NO_PROVIDER",
          `nobody provides ${service} in the version that plugin "${principal.name}" asks for; there are ${all.length} providers of any version`,
          { facts: { service } },
        );
      }
      return {
        endpoint: describeEndpoint(found),
        singleProvider: all.length === 1,
        cursor: cursorToWire(registry.cursor),
      };
    },
    async *watchService(request, call) {
      const service = serviceOf(request);
      mayWatch(service);
      const range = checkRange(request.range);
      const lists = registry.watch({
        service,
        ...(range === undefined ? {} : { range }),
        ...(request.from === undefined ? {} : { from: cursorFromWire(request.from) }),
        signal: call.signal,
      });
      for await (const list of limit.count(lists)) yield describeEvent(request.serviceType, list);
    },
  };
}

function serviceOf(request: { readonly service: string; readonly serviceType: string }): string {
  if (request.service !== "") return request.service;
  if (request.serviceType.includes(".")) return request.serviceType;
  throw failureError(
    "MESSAGE_INVALID",
    `service_type ${quoted(request.serviceType)} does not say which Protobuf service is meant; set service to its full name`,
    { fault: "caller" },
  );
}

function serviceOfPath(path: string): string {
  const found = serviceOfEndpointPath(path);
  if (found.ok) return found.service;
  throw failureError("MESSAGE_INVALID", found.problem, { fault: "caller" });
}

function describeEndpoint(record: ProviderRecord): ServiceEndpoint {
  return create(ServiceEndpointSchema, {
    providerId: record.runtimeId,
    version: record.version,
    endpointUrl: `/services/${record.service}/${record.runtimeId}`,
  });
}

function describeEvent(
  serviceType: string,
  list: ProviderList,
): MessageInitShape<typeof WatchServiceEventSchema> {
  const first = list.providers.find((record) => record.health !== "unhealthy");
  return {
    serviceType,
    state: stateOf(first),
    ...(first === undefined ? {} : { endpoint: describeEndpoint(first) }),
    cursor: cursorToWire(list.cursor),
    snapshot: list.snapshot,
  };
}

function stateOf(first: ProviderRecord | undefined): ServiceState {
  if (first === undefined) return ServiceState.UNAVAILABLE;
  return first.health === "degraded" ? ServiceState.DEGRADED : ServiceState.AVAILABLE;
}
