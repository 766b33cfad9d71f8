import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { create, type DescService } from "@bufbuild/protobuf";
import {
  type Arity,
  type Boot,
  type CallHandler,
  type Connection,
  clientTranscript,
  createFailure,
  DEFAULT_COOKIE,
  ENTRY_ABI,
  type HandshakeRequest,
  HandshakeRequestSchema,
  type HandshakeResponse,
  HandshakeService,
  HealthState,
  LAUNCH_KEY_LABEL,
  type Link,
  type Manifest,
  manifestToHandshake,
  PluginControl,
  type PluginEntry,
  PluginLifecycle,
  PluginSessionService,
  type PluginStopped,
} from "@connect-plugin/protocol";
import {
  createLane,
  createServiceClient,
  createServiceEnd,
  type Implementation,
  type ServiceClient,
  type ServiceClientOptions,
  type ServiceEnd,
} from "@connect-plugin/rpc";

/** What a fake plugin is and does. Everything that it leaves out goes well. */
export interface FakePluginOptions {
  readonly name: string;
  /** Default 1.0.0. */
  readonly version?: string;
  readonly provides?: readonly FakeOffer[];
  readonly requires?: readonly FakeNeed[];
  /** Default `many`. */
  readonly instances?: "many" | "one";
  /** Runs when the host says Start. */
  readonly start?: (ctx: FakeContext) => void | Promise<void>;
  /** Runs when the host says Shutdown; the plugin ends when it is done. */
  readonly stop?: (ctx: FakeContext) => void | Promise<void>;
  /** Changes the handshake before it is signed. */
  readonly beforeSigning?: (request: HandshakeRequest) => void;
  /** Changes the handshake after it was signed; or sends none, by `undefined`. */
  readonly afterSigning?: (request: HandshakeRequest) => HandshakeRequest | undefined;
}

export interface FakeOffer {
  readonly desc: DescService;
  /** Default 1.0.0. */
  readonly version?: string;
  readonly implementation: object;
}

export interface FakeNeed {
  readonly desc: DescService;
  /** Default ^1.0.0. */
  readonly range?: string;
  /** Default `one`. */
  readonly arity?: Arity;
}

export interface FakeContext {
  readonly boot: Boot;
  readonly host: Connection;
  /** Aborted when the host says Drain. */
  readonly draining: AbortSignal;
  client<S extends DescService>(desc: S, options?: ServiceClientOptions): ServiceClient<S>;
  shakeHands(): Promise<HandshakeResponse>;
  reportHealth(state: "healthy" | "degraded" | "unhealthy", reason?: string): Promise<void>;
  /** Ends by itself, as a crash would. */
  crash(): void;
}

const healthStates = {
  healthy: HealthState.HEALTHY,
  degraded: HealthState.DEGRADED,
  unhealthy: HealthState.UNHEALTHY,
} as const;

/**
 * A plugin written out by hand, without the SDK: for tests of hosts, and of what happens when a plugin does not keep to
 * the rules.
 */
export function createFakePlugin(options: FakePluginOptions): PluginEntry {
  const manifest = createManifest(options);
  return {
    $connectPlugin: { abi: ENTRY_ABI, manifest, run: (link, boot) => run(options, manifest, link, boot) },
  };
}

async function run(options: FakePluginOptions, manifest: Manifest, link: Link, boot: Boot) {
  const draining = new AbortController();
  const services = createServiceEnd({ draining: draining.signal });
  let finish: (stopped: PluginStopped) => void = () => undefined;
  const stopped = new Promise<PluginStopped>((resolve) => {
    finish = resolve;
  });
  const control = createServiceEnd({
    services: [
      {
        desc: PluginSessionService,
        implementation: {
          async start() {
            await options.start?.(ctx);
            services.add(options.provides ?? []);
            return { health: HealthState.HEALTHY };
          },
          async drain() {
            draining.abort();
            await services.idle();
            return {};
          },
          describe: () => ({}),
        } satisfies Implementation<typeof PluginSessionService>,
      },
      {
        desc: PluginControl,
        implementation: {
          getHealth: () => ({ state: HealthState.HEALTHY }),
          shutdown({ reason }) {
            void end({ how: "asked", reason });
            return { acknowledged: true };
          },
        } satisfies Implementation<typeof PluginControl>,
      },
    ],
  });
  const host = connect(link, route(control, services));
  const ctx: FakeContext = {
    boot,
    host,
    draining: draining.signal,
    client: (desc, clientOptions) => createServiceClient(desc, host, clientOptions),
    shakeHands: () => shakeHands(options, manifest, boot, host),
    async reportHealth(state, reason = "") {
      await createServiceClient(PluginLifecycle, host).reportHealth({ state: healthStates[state], reason });
    },
    crash: () => leave({ how: "failed", reason: "crashed" }),
  };

  function leave(how: PluginStopped): void {
    host.close(createFailure("CONNECTION_CLOSED", `plugin ${options.name} ended: ${how.reason}`));
    finish(how);
  }

  async function end(how: PluginStopped): Promise<void> {
    await options.stop?.(ctx);
    await Promise.all([services.idle(), control.idle()]);
    leave(how);
  }

  void host.closed.then(({ failure }) => finish({ how: "host-gone", reason: failure.message }));
  await ctx.shakeHands();
  return { stopped, stop: (reason: string) => void end({ how: "asked", reason }) };
}

function connect(link: Link, handler: CallHandler): Connection {
  return link.kind === "pipe" ? createLane(link.pipe, { side: "plugin", handler }) : link.connect(handler);
}

function route(control: ServiceEnd, services: ServiceEnd): CallHandler {
  const controlled = new Set<string>([PluginSessionService.typeName, PluginControl.typeName]);
  return {
    start: (head, responses) => (controlled.has(head.service) ? control : services).start(head, responses),
  };
}

async function shakeHands(
  options: FakePluginOptions,
  manifest: Manifest,
  boot: Boot,
  host: CallHandler,
): Promise<HandshakeResponse> {
  const key = hkdfSync("sha256", boot.credential.secret, "", LAUNCH_KEY_LABEL, 32);
  const request = create(HandshakeRequestSchema, {
    ...manifestToHandshake(manifest),
    coreProtocolVersion: 1,
    appProtocolVersion: 1,
    magicCookieKey: DEFAULT_COOKIE.key,
    magicCookieValue: DEFAULT_COOKIE.value,
    clientNonce: new Uint8Array(randomBytes(32)),
    instanceId: boot.instanceId,
    credentialId: boot.credential.id,
  });
  options.beforeSigning?.(request);
  const mac = createHmac("sha256", new Uint8Array(key)).update(clientTranscript(request)).digest();
  request.transcriptMac = new Uint8Array(mac);
  const sent = options.afterSigning === undefined ? request : options.afterSigning(request);
  if (sent === undefined) return await new Promise(() => undefined);
  return await createServiceClient(HandshakeService, host).handshake(sent);
}

function createManifest({
  name,
  version = "1.0.0",
  provides = [],
  requires = [],
  instances,
}: FakePluginOptions) {
  return {
    name,
    version,
    provides: provides.map((offer, index) => ({
      key: `offer${index}`,
      service: offer.desc.typeName,
      version: offer.version ?? "1.0.0",
      methods: offer.desc.methods.map((method) => ({
        name: method.name,
        kind: method.methodKind,
        idempotency: "unknown" as const,
      })),
    })),
    requires: requires.map((need, index) => ({
      key: `need${index}`,
      service: need.desc.typeName,
      range: need.range ?? "^1.0.0",
      arity: need.arity ?? ("one" as const),
      methods: [],
    })),
    instances: instances ?? ("many" as const),
    sdk: { name: "fake", version: "1.0.0" },
  } satisfies Manifest;
}
