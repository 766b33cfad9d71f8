import type { MethodInfo, MethodKind } from "@connect-plugin/protocol";
import type { Provider } from "./provider-failure.js";
import type { Traffic, TrafficEdge } from "./traffic.js";

/** What the router knows of a method at a provider. */
export interface MethodRoute {
  /** `unknown`: nobody says what methods the provider has. */
  readonly kind: MethodKind | "unknown";
  readonly edge: TrafficEdge;
}

/** Methods that are remembered for each provider. */
const MAX_KNOWN = 256;

/** Remembers what was found out about a provider's methods, so that a call finds it by name. */
export class MethodRoutes {
  private readonly known = new Map<string, MethodRoute>();
  private readonly caller: string;
  private readonly service: string;
  private readonly provider: Provider;
  private readonly offered: readonly MethodInfo[];
  private readonly traffic: Traffic;

  /** @param offered empty if the provider does not say */
  constructor(
    caller: string,
    service: string,
    provider: Provider,
    offered: readonly MethodInfo[],
    traffic: Traffic,
  ) {
    this.caller = caller;
    this.service = service;
    this.provider = provider;
    this.offered = offered;
    this.traffic = traffic;
  }

  /** Undefined if the provider says what methods it has, and this is none of them. */
  get(method: string): MethodRoute | undefined {
    const known = this.known.get(method);
    if (known !== undefined) return known;
    if (this.offered.length === 0) return this.any(method);
    const info = this.offered.find(({ name }) => name === method);
    return info === undefined ? undefined : this.remember(method, info.kind);
  }

  /** For a provider that answers for its methods itself. */
  any(method: string): MethodRoute {
    return this.known.get(method) ?? this.remember(method, "unknown");
  }

  private remember(method: string, kind: MethodRoute["kind"]): MethodRoute {
    const { caller, service, provider } = this;
    const { plugin, distance } = provider;
    const route = { kind, edge: this.traffic.edge({ caller, provider: plugin, service, method, distance }) };
    if (this.known.size < MAX_KNOWN) this.known.set(method, route);
    return route;
  }
}
