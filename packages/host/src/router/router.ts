import type { CallHandler } from "@connect-plugin/protocol";
import { deadlines, type Observe, type TimerWheel } from "@connect-plugin/rpc";
import type { Authorize } from "../auth/decision.js";
import type { Principal } from "../auth/principal.js";
import type { Emit } from "../event.js";
import type { Registry } from "../registry/registry.js";
import { CallerEnd, type CallerGround } from "./caller-end.js";
import type { LentCapabilities } from "./lent-capabilities.js";
import { type Needs, needsByService } from "./needs.js";
import { callerGone } from "./refusals.js";
import { createMetadataFilter } from "./reserved-metadata.js";
import type { CallerBook, RoutedCall } from "./routed-call.js";
import { createTraffic, type EdgeSnapshot } from "./traffic.js";
import { createWayFinder, type WayGround } from "./way-finder.js";

/** Carries calls to providers, unread. */
export interface Router {
  /** Takes the calls that a principal makes. A plugin may call what its manifest requires, and nothing else. */
  handlerFor(principal: Principal, needs: Needs): CallHandler;
  /** Calls that the principal has made and that have not ended. */
  inFlight(principal: Principal): number;
  /** The principal is no more: its calls are cancelled, and it makes no new ones. Idempotent. */
  end(principal: Principal): void;
  /** Who called whom, how often and how fast. */
  traffic(): readonly EdgeSnapshot[];
  /** Calls in flight, of all callers. */
  readonly size: number;
}

export interface RouterOptions {
  readonly registry: Registry;
  /** The host itself, as the provider of its own services. */
  readonly host: Principal;
  readonly emit: Emit;
  /** Services of the host, by name. Asked for once for each principal. Default: none. */
  readonly services?: (principal: Principal) => ReadonlyMap<string, CallHandler>;
  /** Default: the host lends nothing. */
  readonly capabilities?: LentCapabilities;
  /** Default: what the manifest requires is allowed. */
  readonly authorize?: Authorize;
  /** Watches every call, with the head that the provider gets. */
  readonly observe?: Observe;
  /** The operator's choice of a plugin, by service, where several provide it. */
  readonly prefer?: Readonly<Record<string, string>>;
  readonly limits?: RouterLimitOptions;
  /** Default: the one of this process. */
  readonly wheel?: TimerWheel;
  /** In ms, on the clock of deadlines. Default `performance.now()`. */
  readonly now?: () => number;
}

export interface RouterLimits {
  /** Of a chain of calls that are made for one another. Default 16. */
  readonly depth: number;
  /** Calls in flight of one principal. Default 10,000. */
  readonly callsPerCaller: number;
  /** Names and values of one header or trailer. Default 16 KiB. */
  readonly metadataBytes: number;
  /** Edges whose traffic is counted apart. Default 2,000. */
  readonly edges: number;
}

/** Those that are not the defaults. */
export type RouterLimitOptions = { readonly [Name in keyof RouterLimits]?: RouterLimits[Name] | undefined };

const DEFAULTS: RouterLimits = { depth: 16, callsPerCaller: 10_000, metadataBytes: 16_384, edges: 2_000 };

export function createRouter(options: RouterOptions): Router {
  const limits = checkLimits(options.limits ?? {});
  const { registry, host } = options;
  const traffic = createTraffic(limits.edges);
  const inFlight = new Map<number, RoutedCall>();
  const books = new WeakMap<Principal, CallerBook>();
  let lastId = 0;
  const callerGround: CallerGround = {
    inFlight,
    wheel: options.wheel ?? deadlines,
    metadata: createMetadataFilter(limits.metadataBytes),
    now: options.now ?? (() => performance.now()),
    authorize: options.authorize,
    observe: options.observe,
    emit: options.emit,
    maxDepth: limits.depth,
    maxCallsPerCaller: limits.callsPerCaller,
    nextId: () => ++lastId,
  };
  const wayGround: WayGround = {
    registry,
    traffic,
    capabilities: options.capabilities,
    prefer: new Map(Object.entries(options.prefer ?? {})),
    host: { plugin: host.name, instanceId: "", runtimeId: host.runtimeId, distance: "host" },
  };

  function bookOf(principal: Principal): CallerBook {
    const known = books.get(principal);
    if (known !== undefined) return known;
    const book: CallerBook = { inFlight: 0, ended: false };
    books.set(principal, book);
    return book;
  }

  return {
    handlerFor(principal, needs) {
      const required = typeof needs === "string" ? needs : needsByService(needs);
      const services = options.services?.(principal) ?? new Map();
      const ways = createWayFinder(wayGround, principal, required, services);
      return new CallerEnd(callerGround, principal, bookOf(principal), ways);
    },
    inFlight: (principal) => books.get(principal)?.inFlight ?? 0,
    end(principal) {
      const book = bookOf(principal);
      if (book.ended) return;
      book.ended = true;
      const failure = callerGone(principal);
      for (const call of [...inFlight.values()]) if (call.book === book) call.abandon(failure);
    },
    traffic: () => traffic.snapshot(),
    get size() {
      return inFlight.size;
    },
  };
}

function checkLimits(given: RouterLimitOptions): RouterLimits {
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  const limits: RouterLimits = { ...DEFAULTS, ...Object.fromEntries(set) };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(`limits.${name}: wanted a whole number from 1, got ${value}`);
    }
  }
  return limits;
}
