import {
  type CallChain,
  type Connection,
  createFailure,
  healthStateFromWire,
  type LogRequest,
  PluginControl,
  type PluginEntry,
  PluginSessionService,
  type RunningPlugin,
} from "@connect-plugin/protocol";
import { createServiceClient } from "@connect-plugin/rpc";
import type { Needs } from "../define/need.js";
import { createTestChain } from "./test-calls.js";
import type { TestHost } from "./test-host.js";
import { createTestLink } from "./test-link.js";
import type { TestClientOptions, TestedPlugin, TestLogLine } from "./tested-plugin.js";

const LOG_TIMEOUT_MS = 2_000;
const DEFAULT_GRACE_SECONDS = 10;

export interface RunSettings {
  readonly link: "direct" | "lane";
  readonly startTimeoutMs: number;
}

/** Runs a plugin against what stands in for its host. Rejects if it cannot start; then nothing of it runs. */
export async function runTested<N extends Needs>(
  entry: PluginEntry,
  host: TestHost,
  settings: RunSettings,
): Promise<TestedPlugin<N>> {
  const link = createTestLink(settings.link, host.handler);
  const running = await entry.$connectPlugin.run(link.link, host.boot);
  const plugin = await link.plugin;
  void running.stopped.then(() => host.end());
  const asHost = host.calls.deliver(plugin, hostChain);
  const session = createServiceClient(PluginSessionService, asHost, { defaultTimeoutMs: 0 });
  try {
    const started = await session.start({}, { timeoutMs: settings.startTimeoutMs });
    host.health = { ...started, state: started.health };
  } catch (error) {
    plugin.close(createFailure("CONNECTION_CLOSED", "The plugin under test could not be started."));
    await running.stopped;
    throw error;
  }
  return createTested(host, plugin, running);
}

const hostChain: CallChain = {
  caller: { kind: "host", name: "test-host", runtimeId: "", claims: {} },
  behind: undefined,
  depth: 1,
};

function createTested<N extends Needs>(
  host: TestHost,
  plugin: Connection,
  running: RunningPlugin,
): TestedPlugin<N> {
  const asHost = host.calls.deliver(plugin, hostChain);
  const session = createServiceClient(PluginSessionService, asHost, { defaultTimeoutMs: 0 });
  const control = createServiceClient(PluginControl, asHost);
  let stopping: Promise<unknown> | undefined;

  return {
    runtimeId: host.runtimeId ?? "",
    stopped: running.stopped,
    client(service, options: TestClientOptions = {}) {
      const chain = createTestChain([options.caller ?? {}, ...(options.onBehalfOf ?? [])]);
      return createServiceClient(service, host.calls.deliver(plugin, chain ?? hostChain));
    },
    provide: (key, fake) => host.providers.set(key, fake),
    async health() {
      const { state, reason, unavailableDependencies } = await control.getHealth({});
      return { state: healthStateFromWire(state) ?? "healthy", reason, unavailable: unavailableDependencies };
    },
    get log() {
      return host.log.map(readLine);
    },
    logged: (text) => findLine(host, text),
    async drain() {
      await session.drain({ reason: "the test drains the plugin" });
    },
    async stop({ graceSeconds = DEFAULT_GRACE_SECONDS } = {}) {
      // A plugin that is gone already cannot be asked, and need not be.
      stopping ??= control
        .shutdown({ gracePeriodSeconds: graceSeconds, reason: "the test is over" })
        .catch(() => undefined);
      await stopping;
      return await running.stopped;
    },
  };
}

async function findLine(host: TestHost, text: string): Promise<TestLogLine> {
  const limit = AbortSignal.timeout(LOG_TIMEOUT_MS);
  const find = () => host.log.find((line) => line.message.includes(text));
  const changes = host.logChanges.read(find, limit);
  const now = find();
  if (now !== undefined) return readLine(now);
  for await (const found of changes) if (found !== undefined) return readLine(found);
  const lines = host.log.map((line) => `  ${line.level} ${line.message}`).join("\n");
  throw new Error(
    `no log line with "${text}" came within ${LOG_TIMEOUT_MS} ms; there are:\n${lines || "  none"}`,
  );
}

function readLine({ level, message, fields }: LogRequest): TestLogLine {
  const known = level === "debug" || level === "warn" || level === "error" ? level : "info";
  return { level: known, message, fields: { ...fields } };
}
