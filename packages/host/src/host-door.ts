import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { type CallFailure, type CallHandler, GrpcHealth } from "@connect-plugin/protocol";
import { createServiceEnd, type Inflate } from "@connect-plugin/rpc";
import { feedEvents } from "./admin/event-feed.js";
import { checkPrivateDirectory } from "./admin/private-directory.js";
import { createApplicationTokens } from "./auth/application-tokens.js";
import { createApplicationGate } from "./auth/gate.js";
import type { Principal } from "./auth/principal.js";
import type { Principals } from "./auth/principals.js";
import type { CheckedDoorOptions } from "./door-options.js";
import type { HostEvent } from "./event.js";
import { within } from "./launcher/within.js";
import type { Registry } from "./registry/registry.js";
import { createDoor, type Door } from "./server/door.js";
import type { MethodLookup } from "./server/gate.js";
import { createHealthRoutes } from "./server/health-routes.js";
import { createHealthService, type HealthView } from "./server/health-service.js";
import { createListener, type Listener } from "./server/listener.js";
import { createReflectionServices } from "./server/reflection-service.js";
import type { InstanceDescriptions } from "./session/instance-descriptions.js";

/** The door of one host: who may come in, what there is beside plugins, and where it listens. */
export interface HostDoor {
  readonly handle: Door["handle"];
  /** Where it listens; undefined if it does not, or not yet. */
  readonly url: string | undefined;
  /** Rejects with a ConnectError: LISTEN_REFUSED, LISTEN_FAILED, SOCKET_PATH or DIRECTORY_NOT_PRIVATE. */
  open(): Promise<void>;
  /** Takes nothing new, and cuts off after the grace what is still in flight. Never rejects. Idempotent. */
  close(failure: CallFailure, graceMs: number): Promise<void>;
}

export interface HostDoorOptions {
  readonly options: CheckedDoorOptions;
  readonly principals: Pick<Principals, "external">;
  readonly registry: Pick<Registry, "providers" | "snapshot">;
  readonly descriptions: Pick<InstanceDescriptions, "of">;
  readonly prefer: Readonly<Record<string, string>>;
  /** Takes the calls of an application, beside those of the host's own services at the door. */
  readonly callsOf: (principal: Principal, services: ReadonlyMap<string, CallHandler>) => CallHandler;
  /** An application's identity has ended. */
  readonly onEnd: (principal: Principal) => void;
  /** Whether plugins can be called now. */
  readonly isRunning: () => boolean;
  readonly subscribe: (listener: (event: HostEvent) => void) => () => void;
  readonly inflate: Inflate;
  /** Largest message either way, in bytes. Default 16 MiB. */
  readonly messageBytes: number | undefined;
  readonly onError: (error: unknown) => void;
}

/** How long calls may outlive the token that they were made with, in ms. */
const SWEEP_MS = 1_000;

export function createHostDoor(host: HostDoorOptions): HostDoor {
  const { options, registry, onError } = host;
  const handlers = new WeakMap<Principal, CallHandler>();
  const tokens = createApplicationTokens({
    path: options.tokens,
    principals: host.principals,
    onEnd: host.onEnd,
    onProblem: onError,
  });

  const health: HealthView = {
    isReady(service) {
      if (service === undefined) return host.isRunning();
      if (services.has(service)) return true;
      const providers = registry.providers(service);
      if (providers.length === 0) return undefined;
      return providers.some((provider) => provider.health !== "unhealthy");
    },
    changes: (signal) => feedEvents(host.subscribe, signal),
  };
  const own = [
    { desc: GrpcHealth, implementation: createHealthService(health) },
    ...createReflectionServices({
      services: () => registry.snapshot().records.map(({ service }) => service),
      async filesOf(service) {
        const providers = registry.providers(service);
        const preferred = providers.find(({ plugin }) => plugin === host.prefer[service]) ?? providers[0];
        return preferred === undefined ? [] : await host.descriptions.of(preferred.instanceId);
      },
    }),
  ];
  const end = createServiceEnd({ services: own, inflate: host.inflate, onUnexpectedError: onError });
  const services = new Map<string, CallHandler>(own.map(({ desc }) => [desc.typeName, end]));
  const ownMethods = new Map(own.map(({ desc }) => [desc.typeName, desc]));

  const methodInfo: MethodLookup = (service, name) => {
    const method = ownMethods.get(service)?.methods.find((known) => known.name === name);
    if (method !== undefined) {
      const changesNothing = method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
      return { kind: method.methodKind, idempotency: changesNothing ? "no_side_effects" : "unknown" };
    }
    return registry.providers(service)[0]?.offered.methods.find((known) => known.name === name);
  };

  function handlerOf(principal: Principal): CallHandler {
    const known = handlers.get(principal) ?? host.callsOf(principal, services);
    handlers.set(principal, known);
    return known;
  }

  const door = createDoor({
    gate: createApplicationGate(tokens),
    callsOf(principal) {
      // The door serves its public routes itself: whatever is a call has somebody who makes it.
      if (principal === undefined) throw new TypeError("callsOf: nobody may call without an identity");
      return handlerOf(principal);
    },
    methodInfo,
    routes: createHealthRoutes(health),
    cors: options.cors,
    limits: host.messageBytes === undefined ? {} : { messageBytes: host.messageBytes },
  });
  let sweep: NodeJS.Timeout | undefined;
  let listener: Listener | undefined;
  let closing: Promise<void> | undefined;
  let closed: CallFailure | undefined;

  async function close(failure: CallFailure, graceMs: number): Promise<void> {
    closed = failure;
    clearInterval(sweep);
    if (listener === undefined) {
      door.drain(failure);
      await within(graceMs, door.idle());
      door.stop(failure);
    } else {
      await listener.close(failure, graceMs);
    }
    end.cancelAll(failure);
    tokens.close();
  }

  return {
    handle: door.handle,
    get url() {
      return listener?.url;
    },
    async open() {
      const { address, tls } = options;
      sweep = setInterval(() => tokens.sweep(), SWEEP_MS);
      sweep.unref();
      if (address === undefined) return;
      const opened = await createListener({
        door,
        address,
        tls: tls === undefined ? undefined : { cert: pem(tls.cert), key: pem(tls.key) },
        hasTokens: tokens.size > 0,
        checkDirectory: checkPrivateDirectory,
      });
      if (closed === undefined) listener = opened;
      else await opened.close(closed, 0);
    },
    close(failure, graceMs) {
      closing ??= close(failure, graceMs);
      return closing;
    },
  };
}

function pem(text: string | Uint8Array): string | Buffer {
  return typeof text === "string" ? text : Buffer.from(text);
}
