import type { DescMethod } from "@bufbuild/protobuf";
import {
  type CallFailure,
  type CallHandler,
  createFailure,
  isAtLeast,
  isVersion,
  type MethodKind,
  satisfies,
} from "@connect-plugin/protocol";
import { createInProcessConnection, deadlines, type ServiceEndOptions, type TimerWheel } from "@connect-plugin/rpc";
import type { Authorize } from "../auth/decision.js";
import type { Principal } from "../auth/principal.js";
import { newCredentialId, newSecret, type RandomBytes, Secret } from "../auth/secret.js";
import type { Emit } from "../event.js";
import type { Capability } from "./capability.js";
import { Grant } from "./grant.js";
import {
  capabilityUnknown,
  grantExpired,
  grantMissing,
  grantUnknown,
  grantWithdrawn,
  holderGone,
  noSuchMethod,
  otherVersion,
  outsideGrant,
  quotaReached,
} from "./grant-failures.js";
import { createHolder, type Holder } from "./holder.js";

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
  /** By fully qualified Protobuf name. */
  readonly capabilities: Readonly<Record<string, Capability>>;
  /** Those of them that every plugin is lent without a grant: for harmless ones such as the logger. Default: none. */
  readonly lentToAll?: readonly string[];
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

interface Lent {
  readonly capability: Capability;
  readonly methods: ReadonlyMap<string, DescMethod>;
  readonly toAll: boolean;
}

/** Expired grants that are remembered, to say so rather than that they never were. */
const MAX_EXPIRED = 1_000;
