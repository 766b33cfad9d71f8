import type { PluginEntry } from "@connect-plugin/protocol";
import type { Launcher } from "./launcher.js";

/** A launcher that may know the type of its plugin's config, so that a spec is checked against it. */
export interface Launch<Config = unknown> extends Launcher {
  /** Never there: it carries a type. */
  readonly $config?: (config: Config) => void;
}

/** An entry whose SDK tells the type of the config that the plugin takes. */
export type ConfiguredEntry<Config> = PluginEntry & {
  readonly $connectPlugin: {
    /** Never there: it carries a type, as `definePlugin` of the SDK declares it. */
    readonly types?: { readonly config: Config };
  };
};
