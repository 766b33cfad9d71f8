import { randomBytes } from "node:crypto";
import { create, type DescService } from "@bufbuild/protobuf";
import {
  AdminService,
  type CallHandler,
  CapabilityBroker,
  CapabilitySchema,
  CORE_VERSIONS,
  createFailure,
  DEFAULT_COOKIE,
} from "@connect-plugin/protocol";
import { createServiceClient, createServiceEnd, refuseCalls } from "@connect-plugin/rpc";
import { createAdminService } from "./admin/admin-service.js";
import { HOST_VERSION } from "./admin/host-version.js";
import { createOperatorSocket, type OperatorCalls, type OperatorSocket } from "./admin/operator-socket.js";
import { summarizePlugin } from "./admin/plugin-summary.js";
import { createLaunchCredentials } from "./auth/launch-credentials.js";
import { createNonceWindow } from "./auth/nonce-window.js";
import type { Principal } from "./auth/principal.js";
import { createPrincipals } from "./auth/principals.js";
import { createRuntimeTokens } from "./auth/runtime-tokens.js";
import { createBroker } from "./broker/broker.js";
import { createBrokerService } from "./broker/broker-service.js";
import { createProviders } from "./client/providers.js";
import { readDoorOptions } from "./door-options.js";
import { createEventBus } from "./event-bus.js";
import type { Host } from "./host-api.js";
import { createHostDoor } from "./host-door.js";
import { createHostLife } from "./host-life.js";
import { logTo, showOn } from "./host-log.js";
import { checkHostLimits, type HostOptions, readPlugins } from "./host-options.js";
import { inflate } from "./inflate.js";
import { createRegistry } from "./registry/registry.js";
import { createRouter } from "./router/router.js";
import { createHostServices } from "./session/host-services.js";
import { createSessions, type ProvenPlugin } from "./session/host-session.js";
import { createInstanceDescriptions } from "./session/instance-descriptions.js";
import { systemClock } from "./supervisor/clock.js";
import { createComingProviders } from "./supervisor/coming-providers.js";
import { checkDeadlines } from "./supervisor/deadlines.js";
import { createHeldCalls } from "./supervisor/held-calls.js";
import { createSupervisor } from "./supervisor/supervisor.js";

/**
 * Makes a host. Nothing happens before `start()`.
 *
 * @throws TypeError or RangeError for an option that is wrong, naming it and its value
 */
export function createHost<const P extends Record<string, unknown>>(
  options: HostOptions<P>,
): Host<keyof P & string> {
  const plugins = readPlugins(options);
  const deadlines = checkDeadlines(options.deadlines);
  const {
    heldCalls: maxCalls,
    heldBytes: maxBytes,
    messageBytes,
    ...limits
  } = checkHostLimits(options.limits);
  const prefer = options.prefer ?? {};
  const { authorize } = options;
  const doorOptions =
    options.door === undefined ? undefined : readDoorOptions(options.door, options.operator?.dir);
  const clock = systemClock;
  const warn = (error: unknown) => {
    process.emitWarning(error instanceof Error ? error : new Error(String(error)));
  };

  const bus = createEventBus(warn);
  const { emit } = bus;
  if (options.onEvent !== undefined) bus.subscribe(options.onEvent);
  if (options.logger !== undefined) bus.subscribe(logTo(options.logger));
  const output = options.output ?? (options.logger === undefined ? "stderr" : "events");
  if (output === "stderr") bus.subscribe(showOn(process.stderr));

  const principals = createPrincipals({ hostName: options.name ?? "host" });
  const credentials = createLaunchCredentials();
  const tokens = createRuntimeTokens();
  const nonces = createNonceWindow();
  const registry = createRegistry({
    emit,
    strategyOf: (plugin) => options.select?.[plugin] ?? "round-robin",
    knowsPlugin: (name) => plugins.has(name),
  });
  const policy = authorize === undefined ? {} : { authorize };
  const broker = createBroker({ emit, inflate, capabilities: options.capabilities ?? {}, ...policy });
  const hostServices = new Map<Principal, ReadonlyMap<string, CallHandler>>();
  const router = createRouter({
    registry,
    emit,
    prefer,
    limits,
    host: principals.host,
    capabilities: broker,
    services: (principal) => hostServices.get(principal) ?? new Map(),
    ...policy,
    ...(options.observe === undefined ? {} : { observe: options.observe }),
  });

  const sessions = createSessions({
    auth: { credentials, nonces, principals, tokens },
    messageBytes,
    terms: {
      hostId: principals.host.runtimeId,
      cookie: options.cookie ?? DEFAULT_COOKIE,
      coreVersions: CORE_VERSIONS,
      appVersions: options.appVersions ?? [1],
      deprecated: options.deprecated ?? [],
      features: [],
      capabilities: () =>
        broker.capabilities.map(({ service, version }) =>
          create(CapabilitySchema, { type: service, version }),
        ),
    },
    callsOf,
    onEnd,
  });
  const descriptions = createInstanceDescriptions(principals.host.chain);
  const run = randomBytes(4).toString("hex");
  const supervisor = createSupervisor({
    plugins,
    prefer,
    surroundings: {
      openSession: (request) => sessions.open(request),
      roster: {
        register(records, connection) {
          const instanceId = records[0]?.instanceId;
          if (instanceId === undefined) return;
          registry.attach(instanceId, connection);
          descriptions.attach(instanceId, connection);
          registry.append({ type: "registered", instanceId, records });
        },
        unregister: (instanceId, reason) =>
          void registry.append({ type: "unregistered", instanceId, reason }),
        health: (instanceId, health) => void registry.append({ type: "health", instanceId, health }),
      },
      deadlines,
      clock,
      emit,
    },
    instanceId: (plugin, launch) => `${plugin}.${launch}.${run}`,
    onChange: () => held.look(),
    onError: warn,
  });
  const ownServices = new Set([
    "connectplugin.v1",
    "connectplugin.session.v1",
    "connectplugin.admin.v1",
    "grpc.health.v1",
    "grpc.reflection.v1",
    "grpc.reflection.v1alpha",
  ]);
  const isOfHost = (service: string) =>
    broker.lends(service) !== "no" || ownServices.has(service.slice(0, service.lastIndexOf(".")));
  const held = createHeldCalls({
    mustWait: createComingProviders({ supervisor, registry, prefer, isOfHost }),
    clock,
    maxCalls,
    maxBytes,
  });

  /** What a plugin may call, once it has proven who it is. */
  function callsOf(plugin: ProvenPlugin): CallHandler {
    const { principal, manifest } = plugin;
    const services = createHostServices({ registry, authorize, onError: warn }, plugin);
    const { requires } = manifest;
    services.set(CapabilityBroker.typeName, createBrokerService(broker, principal, { inflate, requires }));
    hostServices.set(principal, services);
    return held.before(router.handlerFor(principal, requires), principal.name);
  }

  function onEnd(principal: Principal): void {
    router.end(principal);
    broker.end(principal);
    hostServices.delete(principal);
  }

  function admitOperator(): OperatorCalls {
    const principal = principals.operator("operator");
    const implementation = createAdminService({
      host: {
        id: principals.host.runtimeId,
        version: HOST_VERSION,
        startedAt: life.startedAt,
        configPath: options.operator?.configPath,
        state: () => life.state,
      },
      supervisor,
      registry,
      now: clock.now,
      traffic: () => router.traffic(),
      subscribe: bus.subscribe,
      stop: (graceMs) => void life.stop({ graceMs, reason: "the operator asked for it" }),
    });
    const end = createServiceEnd({
      services: [{ desc: AdminService, implementation }],
      onUnexpectedError: warn,
    });
    hostServices.set(principal, new Map([[AdminService.typeName, end]]));
    return {
      handler: held.before(router.handlerFor(principal, "all"), undefined),
      end: () => onEnd(principal),
    };
  }

  const openSocket = async (): Promise<OperatorSocket | undefined> =>
    options.operator && (await createOperatorSocket({ dir: options.operator.dir, admit: admitOperator }));
  const door =
    doorOptions &&
    createHostDoor({
      options: doorOptions,
      principals,
      registry,
      descriptions,
      prefer,
      callsOf(principal, services) {
        hostServices.set(principal, services);
        return held.before(router.handlerFor(principal, "provided"), undefined);
      },
      onEnd,
      isRunning: () => life.state === "running",
      subscribe: bus.subscribe,
      inflate,
      messageBytes,
      onError: warn,
    });
  const life = createHostLife({ supervisor, emit, openSocket, door });

  const routed = held.before(router.handlerFor(principals.host, "all"), undefined);
  const notStarted = refuseCalls((head) =>
    createFailure(
      "HOST_NOT_RUNNING",
      `${head.service} cannot be called: the host has not been started; await host.start() first`,
    ),
  );
  const stopped = refuseCalls((head) =>
    createFailure(
      "HOST_STOPPING",
      `${head.service} cannot be called: the host has been stopped; make another one to call plugins again`,
    ),
  );
  const calls: CallHandler = {
    start(head, responses) {
      const handler = !life.hasStarted ? notStarted : life.state === "stopped" ? stopped : routed;
      return handler.start(head, responses);
    },
  };
  const clientOf = <S extends DescService>(
    desc: S,
    target: string | undefined,
    defaultTimeoutMs: number | undefined,
  ) => createServiceClient(desc, calls, { inflate, target, defaultTimeoutMs, maxMessageBytes: messageBytes });

  return {
    id: principals.host.runtimeId,
    start: life.start,
    client: (desc, { plugin, defaultTimeoutMs } = {}) => clientOf(desc, plugin, defaultTimeoutMs),
    each: (desc, { range, defaultTimeoutMs } = {}) =>
      createProviders({
        desc,
        range,
        registry,
        clientOf: (plugin) => clientOf(desc, plugin, defaultTimeoutMs),
      }),
    restart: (plugin) => supervisor.restart(plugin, "a restart was asked for"),
    get handler() {
      if (door === undefined) throw new TypeError("handler: the host was made without the option door");
      return door.handle;
    },
    get doorUrl() {
      return door?.url;
    },
    stop: life.stop,
    status: () => ({
      state: life.state,
      plugins: supervisor.plugins().map((plugin) => summarizePlugin(plugin, clock.now())),
    }),
    services: () => registry.snapshot().records,
    traffic: () => router.traffic(),
    events: { subscribe: bus.subscribe },
    [Symbol.asyncDispose]: async () => void (await life.stop()),
  };
}
