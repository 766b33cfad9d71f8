import { randomBytes } from "node:crypto";
import {
  type Boot,
  type Caller,
  type CallFailure,
  type CallHandler,
  type CallHead,
  CapabilityBroker,
  createFailure,
  HandshakeService,
  HealthState,
  HostSessionService,
  Logger,
  type LogRequest,
  type Manifest,
  PluginLifecycle,
  type RequestSink,
  type ResponseSink,
} from "@connect-plugin/protocol";
import {
  createServiceEnd,
  createServiceSwitch,
  type Implementation,
  ignoredRequests,
} from "@connect-plugin/rpc";
import type { Needs } from "../define/need.js";
import { type ChangeFeed, createChangeFeed } from "../session/change-feed.js";
import type { HealthReport } from "../session/health-state.js";
import { answerHandshake, type HandshakeSpoilers } from "./answer-handshake.js";
import { createFakeGrants, type FakeGrants } from "./fake-grants.js";
import { createFakeEnd, createFakeProviders, type FakeProviders, noProvider } from "./fake-providers.js";
import { createTestCalls, type TestCalls } from "./test-calls.js";

const GRANT_LIFE_MS = 300_000;

/** What stands in for a host: handshake, needs, capabilities and log of one plugin, in memory. */
export interface TestHost {
  readonly boot: Boot;
  /** Takes the plugin's calls. */
  readonly handler: CallHandler;
  readonly calls: TestCalls;
  readonly providers: FakeProviders;
  readonly grants: FakeGrants;
  /** The lines that the plugin has logged. */
  readonly log: readonly LogRequest[];
  readonly logChanges: ChangeFeed;
  /** What the plugin last said of its health. */
  health: HealthReport;
  /** Undefined before the handshake. */
  readonly runtimeId: string | undefined;
  /** The session is over: streams to the plugin end. */
  end(): void;
}

export interface TestHostOptions {
  readonly manifest: Manifest;
  readonly requires: Needs;
  /** The plugin name. */
  readonly plugin: string;
  readonly config: unknown;
  readonly distance: Boot["distance"];
  /** Implementations of what is lent, by key. */
  readonly capabilities: Readonly<Record<string, object>>;
  readonly grantLifeMs?: number;
  readonly spoil?: HandshakeSpoilers;
  /** Asked before a call of the plugin is passed on; for tests of what a plugin does about a refusal. */
  readonly refuse?: (head: CallHead) => CallFailure | undefined;
}

export function createTestHost(options: TestHostOptions): TestHost {
  const { manifest, requires, plugin } = options;
  const boot: Boot = {
    plugin,
    instanceId: randomBytes(8).toString("hex"),
    distance: options.distance,
    config: options.config,
    credential: { id: randomBytes(16).toString("base64url"), secret: randomBytes(32).toString("base64url") },
  };
  const calls = createTestCalls();
  const providers = createFakeProviders(manifest, requires);
  const log: LogRequest[] = [];
  const logChanges = createChangeFeed();
  const lent = lendAll(options, (line) => {
    log.push(line);
    logChanges.changed();
  });
  const grants = createFakeGrants(lent, options.grantLifeMs ?? GRANT_LIFE_MS);
  const over = new AbortController();
  let caller: Caller | undefined;

  const handshake: Implementation<typeof HandshakeService> = {
    handshake(request) {
      const response = answerHandshake(request, boot, options.spoil ?? {});
      caller = { kind: "plugin", name: plugin, runtimeId: response.runtimeId, claims: {} };
      return response;
    },
  };
  const lifecycle: Implementation<typeof PluginLifecycle> = {
    reportHealth({ state, reason, unavailableDependencies }) {
      host.health = { state, reason, unavailableDependencies };
      return {};
    },
  };
  const session: Implementation<typeof HostSessionService> = {
    async *watchProviders({ service }, call) {
      const changes = providers.changes.read(() => undefined, AbortSignal.any([call.signal, over.signal]));
      let revision = 1n;
      const list = () => ({
        cursor: { epoch: "test", revision: revision++ },
        providers: providers
          .list(service)
          .map((provider) => ({ ...provider, available: true, health: HealthState.HEALTHY })),
      });
      yield list();
      for await (const _ of changes) yield list();
    },
  };
  const own = createServiceEnd({
    services: [
      { desc: HandshakeService, implementation: handshake },
      { desc: PluginLifecycle, implementation: lifecycle },
      { desc: HostSessionService, implementation: session },
      {
        desc: CapabilityBroker,
        implementation: {
          requestCapability: (request) => ({ grant: grants.issue(request) }),
        } satisfies Implementation<typeof CapabilityBroker>,
      },
    ],
  });

  /** What the host does not answer itself, on its way to who does. */
  function route(head: CallHead, responses: ResponseSink): RequestSink {
    const refuse = (failure: CallFailure) => {
      responses.end([], failure);
      return ignoredRequests;
    };
    if (caller === undefined) {
      return refuse(
        createFailure(
          "HANDSHAKE_REQUIRED",
          `Plugin "${plugin}" called ${head.service} before its handshake.`,
        ),
      );
    }
    const refused = options.refuse?.(head);
    if (refused !== undefined) return refuse(refused);
    const picked = pick(head);
    if ("failure" in picked) return refuse(picked.failure);
    const onward = calls.onward(head, caller);
    return "failure" in onward ? refuse(onward.failure) : picked.handler.start(onward.head, responses);
  }

  function pick(head: CallHead): { readonly handler: CallHandler } | { readonly failure: CallFailure } {
    const { service, target } = head;
    if (head.grant !== undefined) return grants.check(head, head.grant);
    const needs = manifest.requires.filter((need) => need.service === service);
    if (needs.length === 0) {
      const message = `Plugin "${plugin}" called ${service}, but does not require it.`;
      return { failure: createFailure("NOT_REQUIRED", message, { facts: { service } }) };
    }
    const handler = providers.pick(service, target);
    if (handler !== undefined) return { handler };
    const isLent = needs.every((need) => need.arity === "capability");
    return {
      failure: isLent
        ? createFailure("GRANT_INVALID", `A call of ${service} needs a grant.`)
        : noProvider(service, target),
    };
  }

  const names = [HandshakeService, PluginLifecycle, HostSessionService, CapabilityBroker].map(
    (desc) => desc.typeName,
  );
  const host: TestHost = {
    boot,
    handler: createServiceSwitch(new Map(names.map((name) => [name, own])), { start: route }),
    calls,
    providers,
    grants,
    log,
    logChanges,
    health: { state: HealthState.UNSPECIFIED, reason: "", unavailableDependencies: [] },
    get runtimeId() {
      return caller?.runtimeId;
    },
    end: () => over.abort(),
  };
  return host;
}

/** The capabilities of the test, and the logger, which every host lends. By service name. */
function lendAll(
  options: TestHostOptions,
  take: (line: LogRequest) => void,
): ReadonlyMap<string, CallHandler> {
  const logger: Implementation<typeof Logger> = {
    log(line) {
      take(line);
      return {};
    },
  };
  const lent = new Map<string, CallHandler>([[Logger.typeName, createFakeEnd(Logger, logger)]]);
  for (const [key, implementation] of Object.entries(options.capabilities)) {
    const need = options.requires[key];
    if (need?.arity !== "capability") {
      throw new TypeError(
        `testPlugin: capabilities.${key}: the plugin does not ask for a capability under this key`,
      );
    }
    lent.set(need.desc.typeName, createFakeEnd(need.desc, implementation));
  }
  return lent;
}
