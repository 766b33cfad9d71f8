import type { PluginSource } from "../session/plugin-source.js";

/**
 * What definitions were made of. Kept beside them, because an entry tells a host no more than it needs; a test of the
 * plugin needs more, and uses the plugin's own copy of the SDK.
 */
const sources = new WeakMap<object, PluginSource>();

export function rememberSource<T extends object>(definition: T, source: PluginSource): T {
  sources.set(definition, source);
  return definition;
}

/** @throws TypeError if this copy of the SDK did not make the definition */
export function sourceOf(definition: object): PluginSource {
  const source = sources.get(definition);
  if (source !== undefined) return source;
  throw new TypeError(
    "testPlugin: the definition must be what definePlugin() of the same installed @connect-plugin/plugin returned; is the package installed twice?",
  );
}
