import type { Lease, ProviderRecord } from "../registry/record.js";
import type { Registry } from "../registry/registry.js";
import type { ProviderQuery } from "../registry/selection.js";
import type { Selector } from "../registry/selector.js";
import { type MethodRoute, MethodRoutes } from "./method-routes.js";
import type { Traffic } from "./traffic.js";

/** Targets and instances that are remembered for each service. */
const MAX_KNOWN = 256;

/** The way of one caller to one service of plugins. */
export class ServiceRoute {
  private readonly caller: string;
  private readonly query: ProviderQuery;
  private readonly registry: Registry;
  private readonly traffic: Traffic;
  private readonly untargeted: Selector;
  private readonly targeted = new Map<string, Selector>();
  private readonly methods = new Map<ProviderRecord, MethodRoutes>();

  constructor(caller: string, query: ProviderQuery, registry: Registry, traffic: Traffic) {
    this.caller = caller;
    this.query = query;
    this.registry = registry;
    this.traffic = traffic;
    this.untargeted = registry.selector(query);
  }

  selector(target: string | undefined): Selector {
    if (target === undefined) return this.untargeted;
    const known = this.targeted.get(target);
    if (known !== undefined) return known;
    if (this.targeted.size >= MAX_KNOWN) this.targeted.clear();
    const selector = this.registry.selector({ ...this.query, target });
    this.targeted.set(target, selector);
    return selector;
  }

  /** Another instance of the plugin whose instance could not be reached, if it has the method in the same kind. */
  another(
    failed: ProviderRecord,
    method: string,
  ): { readonly lease: Lease; readonly method: MethodRoute } | undefined {
    const selection = this.selector(failed.plugin).pick(failed.instanceId);
    if (selection.kind === "failure") return undefined;
    const { lease } = selection;
    const found = this.methodsOf(lease.record).get(method);
    if (found !== undefined && found.kind === this.methodsOf(failed).get(method)?.kind)
      return { lease, method: found };
    lease.release();
    return undefined;
  }

  methodsOf(record: ProviderRecord): MethodRoutes {
    const known = this.methods.get(record);
    if (known !== undefined) return known;
    // Records are replaced when they change: those of the past are not asked for again.
    if (this.methods.size >= MAX_KNOWN) this.methods.clear();
    const { service, offered } = record;
    const routes = new MethodRoutes(this.caller, service, record, offered.methods, this.traffic);
    this.methods.set(record, routes);
    return routes;
  }
}
