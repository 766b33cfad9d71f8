import { describeValue, ENTRY_ABI, type EntryHook, quoted } from "@connect-plugin/protocol";
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { runPlugin } from "../session/run-plugin.js";
import { createManifest } from "./create-manifest.js";
import { rememberSource } from "./definition-source.js";
import type { Needs } from "./need.js";
import type { Offers } from "./offer.js";
import type { PluginDefinition, PluginOptions } from "./plugin-definition.js";

type Nothing = Record<never, never>;

const OPTIONS = new Set(["name", "version", "provides", "requires", "config", "instances", "start"]);

/**
 * Defines a plugin. What it returns is the default export of a plugin file.
 *
 * Nothing happens yet: a host reads the manifest, shakes hands, and calls `start` when everything under `requires` is
 * there. Calls arrive once `start` has returned.
 *
 * @throws TypeError if something is wrong that types cannot see: a name, a version or a range that is none, a service
 * offered twice, a key under both `provides` and `requires`. The message names the plugin, the key and the value.
 */
export function definePlugin<
  P extends Offers = Nothing,
  N extends Needs = Nothing,
  CS extends StandardSchemaV1 = StandardSchemaV1<undefined, undefined>,
>(options: PluginOptions<P, N, CS>): PluginDefinition<StandardSchemaV1.InferInput<CS>, N, P> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`definePlugin: the argument must be an object, but is ${describeValue(options)}`);
  }
  const manifest = createManifest(options);
  const misuse = (message: string) => new TypeError(`definePlugin: plugin "${manifest.name}": ${message}`);
  for (const key of Object.keys(options)) {
    if (!OPTIONS.has(key))
      throw misuse(`there is no option ${quoted(key)}; options are ${[...OPTIONS].join(", ")}`);
  }
  if (typeof options.start !== "function") {
    throw misuse(`start must be a function, but is ${describeValue(options.start)}`);
  }
  if (options.config !== undefined && !isStandardSchema(options.config)) {
    throw misuse(
      `config must be a Standard Schema (of zod, valibot, arktype …), but is ${describeValue(options.config)}`,
    );
  }
  const { provides = {}, requires = {}, config } = options;
  const source = { manifest, provides, requires, config, start: (ctx: never) => options.start(ctx) };
  const run: EntryHook["run"] = (link, boot) => runPlugin(source, link, boot);
  return rememberSource({ $connectPlugin: { abi: ENTRY_ABI, manifest, run } }, source);
}

function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  // arktype's schemas are functions
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const standard: unknown = Reflect.get(value, "~standard");
  return (
    typeof standard === "object" &&
    standard !== null &&
    typeof Reflect.get(standard, "validate") === "function"
  );
}
