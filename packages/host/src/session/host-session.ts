import type { CallFailure } from "@connect-plugin/protocol";
import {
  type Boot,
  type CallHandler,
  type Connection,
  createFailure,
  type Distance,
  HandshakeService,
  type Manifest,
  PluginControl,
  PluginSessionService,
} from "@connect-plugin/protocol";
import {
  createServiceClient,
  createServiceEnd,
  createServiceSwitch,
  failureError,
  type Implementation,
  refuseCalls,
  toConnectError,
} from "@connect-plugin/rpc";
import type { Principal } from "../auth/principal.js";
import type { HealthReport } from "../event.js";
import { asHost } from "./as-host.js";
import type { Expectation } from "./claims.js";
import { answerHandshake, type HandshakeAuth, type HandshakeTerms } from "./handshake.js";
import { readHealthReport } from "./health-report.js";

/** The host's half of its relation with one run of a plugin. */
export interface HostSession {
  /** What the plugin is told first. Holds its launch secret. */
  readonly boot: Boot;
  /** Takes the plugin's calls. Before the handshake it takes nothing else. */
  readonly handler: CallHandler;
  /** Undefined before the handshake. */
  readonly runtimeId: string | undefined;
  /** The plugin is loaded: its handshake can be answered. Called once. */
  attach(shown: Manifest, connection: Connection): void;
  /** Has it start. Rejects with its ConnectError. No deadline of its own. */
  start(): Promise<HealthReport>;
  /** Tells it that it gets no more calls; settles when it has none left. Rejects with a ConnectError. */
  drain(reason: string): Promise<void>;
  /** Asks it to end; settles when it has heard it. Rejects with a ConnectError. */
  shutDown(reason: string, graceMs: number): Promise<void>;
  /** Asks how it is. Rejects with a ConnectError. */
  health(timeoutMs: number): Promise<HealthReport>;
  /** It is over: identity, tokens, credential and what was lent are no more. Idempotent. */
  end(): void;
}

export interface SessionRequest {
  readonly plugin: string;
  readonly instanceId: string;
  readonly distance: Distance;
  readonly config: unknown;
  readonly expect: Expectation;
  readonly on: SessionEvents;
}

export interface SessionEvents {
  /** The first handshake was accepted. */
  accepted(runtimeId: string): void;
  refused(failure: CallFailure): void;
  health(report: HealthReport): void;
}

/** A plugin that has proven who it is, as other rooms are told of it. */
export interface ProvenPlugin {
  readonly principal: Principal;
  readonly manifest: Manifest;
  /** Takes its word on its health. */
  reportHealth(report: HealthReport): void;
}

export interface SessionsOptions {
  readonly terms: HandshakeTerms;
  readonly auth: HandshakeAuth;
  /** Largest message either way, in bytes; undefined for the default. */
  readonly messageBytes?: number | undefined;
  /** What a plugin may call of this host and through it, once it has proven who it is. */
  readonly callsOf: (plugin: ProvenPlugin) => CallHandler;
  /** Its identity is about to end. */
  readonly onEnd: (principal: Principal) => void;
}

/** Opens the host's half of a session for each instance that is launched. */
export function createSessions(options: SessionsOptions): { open(request: SessionRequest): HostSession } {
  return { open: (request) => openSession(options, request) };
}

function openSession(options: SessionsOptions, request: SessionRequest): HostSession {
  const { terms, auth, callsOf, onEnd, messageBytes } = options;
  const { plugin, instanceId, distance, config } = request;
  const presenter = {};
  const credential = auth.credentials.issue({ plugin, instanceId });
  const loaded = deferred<Manifest>();
  let connection: Connection | undefined;
  let principal: Principal | undefined;
  let ended = false;

  const handshake: Implementation<typeof HandshakeService> = {
    async handshake(message) {
      const shown = await loaded.promise;
      if (ended) throw failureError("PROVIDER_STOPPED", `plugin "${plugin}" is being stopped`);
      const peer = { plugin, instanceId, shown, expect: request.expect, presenter };
      const answer = answerHandshake(message, peer, terms, auth);
      if (answer.kind === "refused") {
        request.on.refused(answer.failure);
        throw toConnectError(answer.failure);
      }
      if (principal === undefined) accept(answer.principal, shown);
      return answer.response;
    },
  };
  const handshakeEnd = createServiceEnd({
    services: [{ desc: HandshakeService, implementation: handshake }],
  });
  let beyond: CallHandler = refuseCalls((head) =>
    createFailure(
      "HANDSHAKE_REQUIRED",
      `plugin "${plugin}" called ${head.service} before its handshake; shake hands first`,
      { facts: { plugin, service: head.service } },
    ),
  );

  function accept(proven: Principal, manifest: Manifest): void {
    principal = proven;
    beyond = callsOf({ principal: proven, manifest, reportHealth: request.on.health });
    // The answer goes out first: what follows from it may be a call to the plugin.
    setImmediate(() => {
      if (!ended) request.on.accepted(proven.runtimeId);
    });
  }

  function controlled(): CallHandler {
    if (connection === undefined) {
      throw failureError("PROVIDER_STARTING", `plugin "${plugin}" is still being launched`);
    }
    return asHost(connection, auth.principals.host.chain);
  }
  const sessionClient = () =>
    createServiceClient(PluginSessionService, controlled(), { defaultTimeoutMs: 0 });
  const controlClient = () => createServiceClient(PluginControl, controlled(), { defaultTimeoutMs: 0 });
  const handshakes = new Map([[HandshakeService.typeName, handshakeEnd as CallHandler]]);

  return {
    boot: { plugin, instanceId, distance, config, credential, messageBytes },
    handler: createServiceSwitch(handshakes, { start: (head, responses) => beyond.start(head, responses) }),
    get runtimeId() {
      return principal?.runtimeId;
    },
    attach(shown, made) {
      connection = made;
      loaded.resolve(shown);
    },
    start: async () => readHealthReport(startedHealth(await sessionClient().start({}))),
    async drain(reason) {
      await sessionClient().drain({ reason });
    },
    async shutDown(reason, graceMs) {
      // What is left after that is for its farewell.
      const gracePeriodSeconds = Math.max(1, Math.floor((graceMs * 0.8) / 1_000));
      await controlClient().shutdown({ gracePeriodSeconds, reason }, { timeoutMs: graceMs });
    },
    health: async (timeoutMs) => readHealthReport(await controlClient().getHealth({}, { timeoutMs })),
    end() {
      if (ended) return;
      ended = true;
      beyond = refuseCalls(() =>
        createFailure("CREDENTIAL_INVALID", `the identity of plugin "${plugin}" has ended with its instance`),
      );
      if (principal !== undefined) {
        onEnd(principal);
        auth.tokens.revoke(principal);
      }
      auth.principals.end(instanceId);
      auth.credentials.end(instanceId);
    },
  };
}

/** A response that tells health under another name of the field. */
function startedHealth<T extends { readonly health: R }, R>({ health, ...rest }: T) {
  return { ...rest, state: health };
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
