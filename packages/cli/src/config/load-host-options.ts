import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  childProcess,
  type DoorOptions,
  type HostOptions,
  inProcess,
  type PluginSpec,
  worker,
} from "@connect-plugin/host";
import type { PluginEntry } from "@connect-plugin/protocol";
import { ConfigError } from "./config-error.js";
import type { DoorConfig, PluginConfig } from "./config-schema.js";
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
  const { name, plugins, prefer, deadlines, door } = await readConfig(configFile);
  const specs = Object.entries(plugins).map(async ([plugin, config]): Promise<[string, PluginSpec]> => {
    const value = await resolveSecrets(config.config, `plugins.${plugin}.config`, { file, environment });
    return [
      plugin,
      { launch: launchOf(file, config, environment), config: value, essential: config.essential },
    ];
  });
  return {
    name,
    plugins: Object.fromEntries(await Promise.all(specs)),
    prefer,
    deadlines,
    ...(door === undefined ? {} : { door: await doorOf(file, door) }),
    operator: { dir: operatorDirectory(file), configPath: file },
  };
}

async function doorOf(file: string, door: DoorConfig): Promise<DoorOptions> {
  const at = (path: string) => resolve(dirname(file), path);
  const { listen, tls, tokens, cors } = door;

  async function pem(key: "cert" | "key", path: string): Promise<string> {
    try {
      return await readFile(at(path), "utf8");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
      const message = `door.tls.${key}: the file ${at(path)} cannot be read (${code})`;
      throw new ConfigError(file, [{ line: undefined, column: undefined, message }]);
    }
  }

  return {
    listen: listen.startsWith("unix:") ? { unix: at(listen.slice("unix:".length)) } : listen,
    tls: tls && { cert: await pem("cert", tls.cert), key: await pem("key", tls.key) },
    tokens: tokens && at(tokens),
    cors: cors && {
      origins: cors.origins,
      ...(cors.maxAgeSeconds === undefined ? {} : { maxAgeSeconds: cors.maxAgeSeconds }),
    },
  };
}

function launchOf(file: string, plugin: PluginConfig, environment: NonNullable<LoadOptions["environment"]>) {
  const entry = new URL(plugin.entry, pathToFileURL(file));
  const { nodeOptions: execArgv = [], memory } = plugin;
  const inherited = (plugin.environment?.inherit ?? []).map((name) => [name, environment[name]] as const);
  const env = { ...Object.fromEntries(inherited), ...plugin.environment?.set };
  switch (plugin.distance) {
    case "in-process":
      return inProcess(() => import(entry.href) as Promise<{ default: PluginEntry }>);
    case "worker":
      return worker({
        entry,
        env,
        execArgv,
        resourceLimits: memory ? { maxOldGenerationSizeMb: memory.maxHeapMiB } : {},
      });
    case "child-process":
      return childProcess({ entry, env, execArgv, cwd: dirname(file) });
  }
}
