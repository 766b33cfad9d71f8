import { type CallFailure, type CallHandler, Logger, type MethodKind } from "@connect-plugin/protocol";
import {
  createInProcessConnection,
  deadlines,
  type ServiceEndOptions,
  type TimerWheel,
} from "@connect-plugin/rpc";
import type { Authorize } from "../auth/decision.js";
import type { Principal } from "../auth/principal.js";
import { newCredentialId, newSecret, type RandomBytes, Secret } from "../auth/secret.js";
import type { Emit } from "../event.js";
import type { Capability } from "./capability.js";
import { createExpiredGrants } from "./expired-grants.js";
import { Grant } from "./grant.js";
import {
  capabilityUnknown,
  grantExpired,
  grantMissing,
  grantUnknown,
  grantWithdrawn,
  holderGone,
  noSuchMethod,
  outsideGrant,
  quotaReached,
} from "./grant-failures.js";
import { createHolder, type Holder } from "./holder.js";
import { checkMethods, checkVersion, type LentCapability, lendAll } from "./lent-capability.js";
import { createLoggerCapability } from "./logger-capability.js";

/** Lends the host's facilities, by grant. */
export interface Broker {
  /** What is lent. */
  readonly capabilities: readonly { readonly service: string; readonly version: string }[];
  /** Asks for a grant. */
  request(principal: Principal, wanted: WantedCapability): Granted;
  /** Makes a narrower grant of one that the principal holds. It lives no longer than that, and ends with it. */
  narrow(principal: Principal, grantId: string, methods: readonly string[]): Granted;
  /** How a service is lent: not at all, to who holds a grant, or to everybody. */
  lends(service: string): "no" | "by-grant" | "to-all";
  /** Whether a principal may make one call, now. */
  use(principal: Principal, grantId: string | undefined, service: string, method: string): UseOfGrant;
  /** Whose grant it is, by its bearer token: for requests that prove nothing else. */
  holderOf(grantId: string, bearer: string): Principal | undefined;
  /** Ends a grant, those made of it and the calls under them. Idempotent. */
  revoke(grantId: string, reason: string): void;
  /** The principal is no more: all its grants and calls end. Idempotent. */
  end(principal: Principal): void;
  /** Grants that have not ended. */
  readonly size: number;
}

export interface WantedCapability {
  /** Fully qualified Protobuf name of the service. */
  readonly service: string;
  /** Semver range. Default: any version. */
  readonly range?: string;
  /** How peers without ranges ask. */
  readonly minVersion?: string;
  /** Protobuf names. Empty: all of them. */
  readonly methods: readonly string[];
  /** For whoever decides; proves nothing. */
  readonly reason: string;
}

export type Granted =
  | {
      readonly kind: "granted";
      readonly grantId: string;
      /** Secret. */
      readonly bearer: string;
      readonly service: string;
      readonly version: string;
      /** Empty: all of them. */
      readonly methods: readonly string[];
      /** In ms from now. */
      readonly expiresInMs: number;
    }
  | { readonly kind: "failure"; readonly failure: CallFailure };

export type UseOfGrant =
  /** The handler takes one call, now. */
  | { readonly kind: "granted"; readonly handler: CallHandler; readonly methodKind: MethodKind }
  | { readonly kind: "failure"; readonly failure: CallFailure };

export interface BrokerOptions extends Pick<ServiceEndOptions, "inflate"> {
  /** By fully qualified Protobuf name. The logger is always among them. Default: only that. */
  readonly capabilities?: Readonly<Record<string, Capability>>;
  readonly emit: Emit;
  /** Default: whoever asks is granted. */
  readonly authorize?: Authorize;
  readonly limits?: Partial<BrokerLimits>;
  readonly random?: RandomBytes;
  /** Default: the one of this process. */
  readonly wheel?: TimerWheel;
  /** In ms, on the clock of the wheel. Default `performance.now()`. */
  readonly now?: () => number;
}

export interface BrokerLimits {
  /** Life of a grant in ms. Default 5 minutes. */
  readonly ttlMs: number;
  /** Grants that one plugin holds at once. Default 64. */
  readonly grantsPerPlugin: number;
}

const DEFAULTS: BrokerLimits = { ttlMs: 300_000, grantsPerPlugin: 64 };

export function createBroker(options: BrokerOptions): Broker {
  const { emit, authorize, random } = options;
  const limits = checkLimits(options.limits ?? {});
  const wheel = options.wheel ?? deadlines;
  const now = options.now ?? (() => performance.now());
  const lent = lendAll({ [Logger.typeName]: createLoggerCapability(emit), ...options.capabilities });
  const holders = new Map<Principal, Holder>();
  const gone = new WeakSet<Principal>();
  const grants = new Map<string, Grant>();
  const expired = createExpiredGrants();
  /** Compared with where there is no such grant, so that asking takes the same time. */
  const nobody = Secret.digestOf(newSecret(random));

  function holderFor(principal: Principal): Holder | undefined {
    if (gone.has(principal)) return undefined;
    const known = holders.get(principal);
    if (known !== undefined) return known;
    const holder = createHolder(principal, { inflate: options.inflate });
    holders.set(principal, holder);
    return holder;
  }

  function grantsOfPlugin(name: string): number {
    let count = 0;
    for (const { principal, grants: held } of holders.values())
      if (principal.name === name) count += held.size;
    return count;
  }

  function give(
    principal: Principal,
    one: LentCapability,
    methods: readonly string[],
    expiresAt: number,
    wide?: Grant,
  ): Granted {
    const holder = holderFor(principal);
    if (holder === undefined) return failed(holderGone(principal));
    if (grantsOfPlugin(principal.name) >= limits.grantsPerPlugin) {
      return failed(quotaReached(principal, limits.grantsPerPlugin));
    }
    const bearer = newSecret(random);
    const grant = new Grant({
      id: newCredentialId(random),
      holder: principal,
      service: one.service,
      methods,
      bearer: Secret.digestOf(bearer),
      expiresAt,
      connection: createInProcessConnection(holder.endOf(one.capability)),
      wide,
      onExpired(ended) {
        expired.add(ended);
        // Calls under way go on: an expired grant only makes no new ones.
        forget(ended, "it expired");
      },
    });
    grants.set(grant.id, grant);
    holder.grants.add(grant);
    wheel.add(grant);
    emit({ type: "grant.issued", plugin: principal.name, capability: one.service, grantId: grant.id });
    return {
      kind: "granted",
      grantId: grant.id,
      bearer,
      service: one.service,
      version: one.capability.version,
      methods,
      expiresInMs: expiresAt - now(),
    };
  }

  function forget(grant: Grant, reason: string): void {
    if (!grants.delete(grant.id)) return;
    wheel.remove(grant);
    holders.get(grant.holder)?.grants.delete(grant);
    grant.wide?.narrowed.delete(grant);
    emit({
      type: "grant.ended",
      plugin: grant.holder.name,
      capability: grant.service,
      grantId: grant.id,
      reason,
    });
  }

  function withdraw(grant: Grant, reason: string): void {
    forget(grant, reason);
    for (const narrower of [...grant.narrowed]) withdraw(narrower, reason);
    grant.cut(grantWithdrawn(grant.service, reason));
  }

  /** The principal's own, live grant of this id. */
  function find(principal: Principal, grantId: string, service: string): Grant | CallFailure {
    const grant = grants.get(grantId);
    if (grant === undefined) {
      return expired.wasOf(principal, grantId) ? grantExpired(service) : grantUnknown(service);
    }
    if (grant.holder !== principal) return grantUnknown(service);
    return grant.deadline <= now() ? grantExpired(service) : grant;
  }

  return {
    capabilities: [...lent.values()].map(({ service, capability }) => ({
      service,
      version: capability.version,
    })),
    request(principal, wanted) {
      const { service, methods, reason } = wanted;
      const one = lent.get(service);
      if (one === undefined) return failed(capabilityUnknown(service, lent.keys()));
      const objection = checkVersion(one, wanted) ?? checkMethods(one, methods);
      if (objection !== undefined) return failed(objection);
      const decision = authorize?.(principal, { kind: "capability", service, methods, reason });
      if (decision?.allow === false) return failed(decision.failure);
      return give(principal, one, methods, now() + limits.ttlMs);
    },
    narrow(principal, grantId, methods) {
      const wide = find(principal, grantId, "");
      if (!(wide instanceof Grant)) return failed(wide);
      const one = lent.get(wide.service);
      if (one === undefined) return failed(capabilityUnknown(wide.service, lent.keys()));
      const outside =
        methods.length === 0 ? wide.methods.length > 0 : !methods.every((name) => wide.covers(name));
      if (outside) return failed(outsideGrant(wide.service, wide.methods, methods.join(", ")));
      const objection = checkMethods(one, methods);
      if (objection !== undefined) return failed(objection);
      return give(principal, one, methods, wide.deadline, wide);
    },
    lends(service) {
      if (!lent.has(service)) return "no";
      return service === Logger.typeName ? "to-all" : "by-grant";
    },
    use(principal, grantId, service, method) {
      const one = lent.get(service);
      if (one === undefined) return failed(capabilityUnknown(service, lent.keys()));
      const kind = one.methods.get(method);
      if (kind === undefined) return failed(noSuchMethod(service, method, [...one.methods.keys()]));
      if (grantId === undefined) {
        if (service !== Logger.typeName) return failed(grantMissing(service));
        const handler = holderFor(principal)?.endOf(one.capability);
        return handler === undefined
          ? failed(holderGone(principal))
          : { kind: "granted", handler, methodKind: kind };
      }
      const grant = find(principal, grantId, service);
      if (!(grant instanceof Grant)) return failed(grant);
      if (grant.service !== service) return failed(outsideGrant(grant.service, grant.methods, service));
      if (!grant.covers(method)) return failed(outsideGrant(grant.service, grant.methods, method));
      return { kind: "granted", handler: grant.connection, methodKind: kind };
    },
    holderOf(grantId, bearer) {
      const grant = grants.get(grantId);
      const matches = (grant?.bearer ?? nobody).matches(bearer);
      return grant !== undefined && matches && grant.deadline > now() ? grant.holder : undefined;
    },
    revoke(grantId, reason) {
      const grant = grants.get(grantId);
      if (grant !== undefined) withdraw(grant, reason);
    },
    end(principal) {
      gone.add(principal);
      const holder = holders.get(principal);
      if (holder === undefined) return;
      const reason = "its instance is gone";
      for (const grant of [...holder.grants]) withdraw(grant, reason);
      holders.delete(principal);
      holder.cancelAll(grantWithdrawn("", reason));
    },
    get size() {
      return grants.size;
    },
  };
}

function failed(failure: CallFailure): { readonly kind: "failure"; readonly failure: CallFailure } {
  return { kind: "failure", failure };
}

function checkLimits(given: Partial<BrokerLimits>): BrokerLimits {
  const limits = { ...DEFAULTS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (!(value >= 1)) throw new RangeError(`limits.${name}: wanted 1 or more, got ${value}`);
  }
  return limits;
}
