import { dirname, resolve } from "node:path";
import { childProcess, type HostOptions, inProcess, type PluginSpec, worker } from "@connect-plugin/host";
import { ConfigError } from "./config-error.js";
import type { PluginConfig } from "./config-schema.js";
import { loadDoorOptions } from "./load-door-options.js";
import { operatorDirectory } from "./operator-directory.js";
import { readConfig } from "./read-config.js";
import { resolveSecrets } from "./resolve-secrets.js";

export interface LoadOptions {
  /** Where `{ $secret: { env } }` and `environment.inherit` look. Default: the process's own environment. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * Reads a configuration file into the options of `createHost`. The operator can reach the host as with
 * `connect-plugin run`; leave `operator` out of the result if that is not wanted.
 *
 * @throws {ConfigError} listing every problem with its place
 */
export async function loadHostOptions(
  configFile: string,
  { environment = process.env }: LoadOptions = {},
): Promise<HostOptions<Record<string, unknown>>> {
  const file = resolve(configFile);
  const { name, plugins, prefer, deadlines, limits, door } = await readConfig(configFile);
  const specs = Object.entries(plugins).map(async ([plugin, config]): Promise<[string, PluginSpec]> => {
    const value = await resolveSecrets(config.config, `plugins.${plugin}.config`, { file, environment });
    return [
      plugin,
      {
        launch: checkedLaunch(plugin, file, config, environment),
        config: value,
        essential: config.essential,
        expect: config.expect,
      },
    ];
  });
  return {
    name,
    plugins: Object.fromEntries(await Promise.all(specs)),
    prefer,
    deadlines,
    limits,
    ...(door === undefined ? {} : { door: await loadDoorOptions(file, door) }),
    operator: { dir: operatorDirectory(file), configPath: file },
  };
}

/** What only the launcher finds wrong is as much the file's fault as the rest. */
function checkedLaunch(name: string, ...[file, plugin, environment]: Parameters<typeof launchOf>) {
  try {
    return launchOf(file, plugin, environment);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    throw new ConfigError(file, [
      { line: undefined, column: undefined, message: `plugins.${name}: ${error.message}` },
    ]);
  }
}

function launchOf(file: string, plugin: PluginConfig, environment: NonNullable<LoadOptions["environment"]>) {
  // As a path and not as a relative URL, in which #, ? and % would mean something.
  const entry = plugin.entry.startsWith("file:") ? plugin.entry : resolve(dirname(file), plugin.entry);
  const { nodeOptions: execArgv = [], memory } = plugin;
  const inherited = (plugin.environment?.inherit ?? []).map((name) => [name, environment[name]] as const);
  const env = { ...Object.fromEntries(inherited), ...plugin.environment?.set };
  switch (plugin.distance) {
    case "in-process":
      if (memory !== undefined) {
        throw new TypeError(
          "memory: a plugin in the host's own process has no memory of its own; choose another distance, or leave it out",
        );
      }
      return inProcess({ entry });
    case "worker":
      return worker({
        entry,
        env,
        execArgv,
        resourceLimits: memory ? { maxOldGenerationSizeMb: memory.maxHeapMiB } : {},
      });
    case "child-process":
      return childProcess({
        entry,
        env,
        execArgv: memory ? [`--max-old-space-size=${memory.maxHeapMiB}`, ...execArgv] : execArgv,
        cwd: dirname(file),
      });
  }
}
