import { sourceOf } from "../define/definition-source.js";
import type { Needs } from "../define/need.js";
import type { PluginDefinition } from "../define/plugin-definition.js";
import type { PluginSource } from "../session/plugin-source.js";
import type { FakeCapabilities, FakeServices } from "./fakes.js";
import { runTested } from "./run-tested.js";
import { createTestHost } from "./test-host.js";
import type { TestedPlugin } from "./tested-plugin.js";

/** Optional if there is nothing in it that must be given. */
type Option<K extends string, T> =
  Record<never, never> extends T ? { readonly [P in K]?: T } : { readonly [P in K]: T };

const START_TIMEOUT_MS = 10_000;

/** Settings of {@link testPlugin}: what the plugin would otherwise get from its operator and its host. */
export type TestPluginOptions<ConfigIn, N extends Needs> = {
  /** The plugin name, as an operator would give it. Default: `tested`. */
  readonly name?: string;
  /**
   * How the plugin is reached: as in the host's process, or through a lane, with every message encoded. Default:
   * `direct`.
   */
  readonly link?: "direct" | "lane";
  /** How long the plugin may take to start, in ms. Default: 10,000. */
  readonly startTimeoutMs?: number;
} & (undefined extends ConfigIn ? { readonly config?: ConfigIn } : { readonly config: ConfigIn }) &
  Option<"services", FakeServices<N>> &
  Option<"capabilities", FakeCapabilities<N>>;

/**
 * Runs a plugin without a host: a stand-in in memory shakes hands with it, gives it what it needs, starts it and calls
 * it, over the same protocol that a host speaks.
 *
 * Rejects with the ConnectError that a host would get if the plugin cannot start; nothing of it runs then.
 */
export async function testPlugin<ConfigIn, N extends Needs>(
  definition: PluginDefinition<ConfigIn, N>,
  ...rest: Record<never, never> extends TestPluginOptions<ConfigIn, N>
    ? [options?: TestPluginOptions<NoInfer<ConfigIn>, NoInfer<N>>]
    : [options: TestPluginOptions<NoInfer<ConfigIn>, NoInfer<N>>]
): Promise<TestedPlugin<N>> {
  const settings: Settings = rest[0] ?? {};
  const source = sourceOf(definition);
  refuseMissing(source, settings);
  const host = createTestHost({
    manifest: source.manifest,
    requires: source.requires,
    plugin: settings.name ?? "tested",
    config: settings.config,
    distance: settings.link === "lane" ? "child-process" : "in-process",
    capabilities: settings.capabilities ?? {},
  });
  for (const [key, fake] of Object.entries(settings.services ?? {})) host.providers.set(key, fake);
  return await runTested<N>(definition, host, {
    link: settings.link ?? "direct",
    startTimeoutMs: settings.startTimeoutMs ?? START_TIMEOUT_MS,
  });
}

/** The options, without what only types need. */
interface Settings {
  readonly name?: string;
  readonly link?: "direct" | "lane";
  readonly startTimeoutMs?: number;
  readonly config?: unknown;
  readonly services?: Readonly<Record<string, unknown>>;
  readonly capabilities?: Readonly<Record<string, object>>;
}

/** A host would wait for what is missing; a test says it at once. */
function refuseMissing({ manifest }: PluginSource, { services = {}, capabilities = {} }: Settings): void {
  for (const { key, service, arity } of manifest.requires) {
    const option = arity === "capability" ? "capabilities" : "services";
    const given = arity === "capability" ? capabilities : services;
    if ((arity === "one" || arity === "capability") && given[key] === undefined) {
      throw new TypeError(`testPlugin: ${option}.${key} is missing: the plugin requires ${service}`);
    }
  }
}
