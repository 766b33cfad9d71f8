import type { CallFailure, CallHandler, CallHead } from "@connect-plugin/protocol";
import type { Principal } from "../auth/principal.js";
import type { Lease } from "../registry/record.js";
import type { Registry } from "../registry/registry.js";
import type { LentCapabilities } from "./lent-capabilities.js";
import { type MethodRoute, MethodRoutes } from "./method-routes.js";
import type { Need } from "./needs.js";
import type { Provider } from "./provider-failure.js";
import { noCapability, notRequired, unknownMethod } from "./refusals.js";
import { ServiceRoute } from "./service-route.js";
import type { Traffic } from "./traffic.js";

/** Where one call goes. */
export interface Way {
  readonly kind: "way";
  readonly handler: CallHandler;
  readonly provider: Provider;
  readonly method: MethodRoute;
  /** For a plugin's service: its counted use, and where to find another instance. */
  readonly lease: Lease | undefined;
  readonly route: ServiceRoute | undefined;
}

/** Finds where the calls of one principal go. */
export interface WayFinder {
  /** A way with a lease must be taken, or its lease released. */
  find(head: CallHead): Way | { readonly kind: "failure"; readonly failure: CallFailure };
}

/** What the way finders of a router share. */
export interface WayGround {
  readonly registry: Registry;
  readonly traffic: Traffic;
  readonly capabilities: LentCapabilities | undefined;
  /** The operator's choice of a plugin, by service. */
  readonly prefer: ReadonlyMap<string, string>;
  /** The host as the provider of its own services. */
  readonly host: Provider;
}

type Destination =
  | { readonly kind: "plugins"; readonly route: ServiceRoute }
  | { readonly kind: "host"; readonly handler: CallHandler; readonly methods: MethodRoutes }
  | { readonly kind: "capability"; readonly lent: LentCapabilities; readonly methods: MethodRoutes };

/** Services that are remembered: a caller that may call everything may ask for anything. */
const MAX_KNOWN = 1_024;

/**
 * @param needs by service, or what the principal may call without asking for it in a manifest
 * @param services of the host, for this principal
 */
export function createWayFinder(
  ground: WayGround,
  principal: Principal,
  needs: ReadonlyMap<string, Need> | "all" | "provided",
  services: ReadonlyMap<string, CallHandler>,
): WayFinder {
  const { registry, traffic, host } = ground;
  const capabilities = needs === "provided" ? undefined : ground.capabilities;
  const required = typeof needs === "string" ? undefined : needs;
  const destinations = new Map<string, Destination>();

  function destinationOf(service: string): Destination | undefined {
    const known = destinations.get(service);
    if (known !== undefined) return known;
    const found = findDestination(service);
    if (found === undefined) return undefined;
    if (destinations.size >= MAX_KNOWN) destinations.clear();
    destinations.set(service, found);
    return found;
  }

  function findDestination(service: string): Destination | undefined {
    const handler = services.get(service);
    if (handler !== undefined) return { kind: "host", handler, methods: hostMethods(service) };
    const need = required?.get(service);
    if (capabilities !== undefined && wantsCapability(capabilities, service, need)) {
      return { kind: "capability", lent: capabilities, methods: hostMethods(service) };
    }
    if (required !== undefined && (need === undefined || need.capability)) return undefined;
    const query = {
      service,
      ...(need === undefined ? {} : { range: need.range }),
      ...optional("prefer", ground.prefer.get(service)),
      ...optional("callerPlugin", principal.kind === "plugin" ? principal.name : undefined),
    };
    return { kind: "plugins", route: new ServiceRoute(principal.name, query, registry, traffic) };
  }

  /** Whoever may call everything gets the facility; a plugin gets what its manifest asks for. */
  function wantsCapability(lent: LentCapabilities, service: string, need: Need | undefined): boolean {
    const how = lent.lends(service);
    if (how === "no") return false;
    return required === undefined || (need === undefined ? how === "to-all" : need.capability);
  }

  function hostMethods(service: string): MethodRoutes {
    return new MethodRoutes(principal.name, service, host, [], traffic);
  }

  return {
    find(head) {
      const destination = destinationOf(head.service);
      switch (destination?.kind) {
        case undefined: {
          const asked = required?.get(head.service);
          const failure = asked?.capability
            ? noCapability(head)
            : notRequired(principal, head, required?.keys() ?? []);
          return { kind: "failure", failure };
        }
        case "plugins":
          return wayToPlugin(head, destination.route);
        case "host": {
          const { handler, methods } = destination;
          return { kind: "way", handler, provider: host, method: methods.any(head.method), ...direct };
        }
        case "capability": {
          const { lent, methods } = destination;
          const use = lent.use(principal, head.grant, head.service, head.method);
          if (use.kind === "failure") return use;
          const method = { kind: use.methodKind, edge: methods.any(head.method).edge };
          return { kind: "way", handler: use.handler, provider: host, method, ...direct };
        }
      }
    },
  };
}

/** Nobody counts the uses of the host's own services. */
const direct = { lease: undefined, route: undefined } as const;

function wayToPlugin(head: CallHead, route: ServiceRoute): ReturnType<WayFinder["find"]> {
  const selection = route.selector(head.target).pick();
  if (selection.kind === "failure") return selection;
  const { lease } = selection;
  const { record } = lease;
  const method = route.methodsOf(record).get(head.method);
  if (method === undefined) {
    lease.release();
    return { kind: "failure", failure: unknownMethod(head, record.plugin, record.offered.methods) };
  }
  return { kind: "way", handler: lease.connection, provider: record, method, lease, route };
}

function optional<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return value === undefined ? {} : ({ [key]: value } as { readonly [P in K]: string });
}
