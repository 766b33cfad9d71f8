import { describeValue, isRange, type MagicCookie, pluginNameProblem } from "@connect-plugin/protocol";
import type { Observe } from "@connect-plugin/rpc";
import type { Authorize } from "./auth/decision.js";
import type { Capability } from "./broker/capability.js";
import type { DoorOptions } from "./door-options.js";
import type { HostEvent } from "./event.js";
import type { HostLogger } from "./host-log.js";
import type { Launch } from "./launcher/launch.js";
import { type Strategy, strategyNames } from "./registry/strategy.js";
import type { RouterLimitOptions } from "./router/router.js";
import type { DeprecatedVersion } from "./session/handshake.js";
import type { DeadlineOptions } from "./supervisor/deadlines.js";
import type { SupervisedPlugin } from "./supervisor/supervised-plugin.js";

/** What the operator declares of a host. `P` holds, by plugin name, the type of each plugin's config. */
export interface HostOptions<P extends Record<string, unknown>> {
  /** The plugins, by the operator's names for them: lower-case letters, digits and single hyphens. */
  readonly plugins: { readonly [K in keyof P]: PluginSpec<P[K]> };
  /** What the host is called in logs and to plugins. Default `host`. */
  readonly name?: string | undefined;
  /** Facilities that plugins can be granted, by full service name. The logger is always lent. Default: only that. */
  readonly capabilities?: Readonly<Record<string, Capability>> | undefined;
  /** Which plugin answers for a service that several provide: full service name to plugin name. */
  readonly prefer?: Readonly<Record<string, string>> | undefined;
  /** How calls are shared among the instances of a plugin, by plugin name. Default: round-robin. */
  readonly select?: Readonly<Record<string, Strategy>> | undefined;
  /** How long each part of a plugin's life may take. */
  readonly deadlines?: DeadlineOptions | undefined;
  readonly limits?: HostLimits | undefined;
  /** Decides what plugins may call, watch and be granted. Default: what their manifests require. */
  readonly authorize?: Authorize | undefined;
  /** Watches every call: the seam for traces and metrics. */
  readonly observe?: Observe | undefined;
  /** Told of everything that happens. What it throws becomes a process warning. */
  readonly onEvent?: ((event: HostEvent) => void) | undefined;
  /** Any logger that takes fields and a message, such as pino's. Default: none. */
  readonly logger?: HostLogger | undefined;
  /**
   * `stderr`: what plugins write and log, and why they fail, is shown on the host's stderr with their names. `events`:
   * it is only told as events. Default `stderr`, or `events` where there is a `logger`.
   */
  readonly output?: "stderr" | "events" | undefined;
  /** Lets the operator in, for `connect-plugin list`, `call` and the rest. Default: nobody. */
  readonly operator?: OperatorOptions | undefined;
  /** Lets applications call plugins over HTTP, in Connect, gRPC and gRPC-Web. Default: nobody. */
  readonly door?: DoorOptions | undefined;
  /** A check against mistaken configuration. Default: that of connect-plugin for Go. */
  readonly cookie?: MagicCookie | undefined;
  /** Versions of the application's own contract that this host speaks. Default 1. */
  readonly appVersions?: readonly number[] | undefined;
  /** Versions that still work, but plugins that use them are told to move on. Default: none. */
  readonly deprecated?: readonly DeprecatedVersion[] | undefined;
}

/** A plugin as the operator declares it. Its config is checked against the plugin's own type, where that is known. */
export type PluginSpec<Config = unknown> = PluginSpecBase<Config> &
  (undefined extends Config
    ? { readonly config?: NoInfer<Config> }
    : {
        /** Plain data; the plugin's own schema checks it. */
        readonly config: NoInfer<Config>;
      });

interface PluginSpecBase<Config> {
  /** How far away it runs: `inProcess`, `worker` or `childProcess`. */
  readonly launch: Launch<Config>;
  /** Whether the host refuses to start without it. Default true. */
  readonly essential?: boolean | undefined;
  /** What the operator insists on. A plugin that claims more is refused at its handshake. */
  readonly expect?: PluginExpectation | undefined;
}

export interface PluginExpectation {
  /** Full names of the services that it may provide. Default: any. */
  readonly services?: readonly string[] | undefined;
  /** Semver range for the version of its package. Default: any. */
  readonly version?: string | undefined;
}

export interface OperatorOptions {
  /** A directory of the operator's own for the socket; made, with mode 0700, if there is none. */
  readonly dir: string;
  /** The file that the host was made from, absolute, for whoever asks. */
  readonly configPath?: string | undefined;
}

/** Router limits, and what may wait for plugins that are on their way up. */
export interface HostLimits extends RouterLimitOptions {
  /** Largest message either way, in bytes, over lanes and at the door. In-process messages are not encoded, so not measured. Default 16 MiB. */
  readonly messageBytes?: number | undefined;
  /** Calls that may wait at once. Default 10,000. */
  readonly heldCalls?: number | undefined;
  /** Bytes of requests that may wait at once. Default 16 MiB. */
  readonly heldBytes?: number | undefined;
}

const hostKeys = new Set([
  "plugins",
  "name",
  "capabilities",
  "prefer",
  "select",
  "deadlines",
  "limits",
  "authorize",
  "observe",
  "onEvent",
  "logger",
  "output",
  "operator",
  "door",
  "cookie",
  "appVersions",
  "deprecated",
]);
const specKeys = new Set(["launch", "config", "essential", "expect"]);

/**
 * Reads the plugins of a host's options.
 *
 * @throws TypeError naming the option and its value
 */
export function readPlugins<P extends Record<string, unknown>>(
  options: HostOptions<P>,
): ReadonlyMap<string, SupervisedPlugin> {
  if (!isObject(options)) throw new TypeError(`createHost: wanted options, got ${describeValue(options)}`);
  refuseUnknown("", options, hostKeys);
  const { output = "stderr" } = options;
  if (output !== "stderr" && output !== "events") {
    throw new TypeError(`output: wanted "stderr" or "events", got ${describeValue(output)}`);
  }
  if (!isObject(options.plugins)) {
    throw new TypeError(
      `plugins: wanted an object of plugins by name, got ${describeValue(options.plugins)}`,
    );
  }
  const plugins = new Map<string, SupervisedPlugin>();
  const specs: Readonly<Record<string, PluginSpecBase<never> & { readonly config?: unknown }>> =
    options.plugins;
  for (const [name, spec] of Object.entries(specs)) {
    const problem = pluginNameProblem(name);
    if (problem !== undefined) throw new TypeError(`plugins: ${problem}`);
    const at = `plugins.${name}`;
    if (!isObject(spec)) throw new TypeError(`${at}: wanted { launch, … }, got ${describeValue(spec)}`);
    refuseUnknown(`${at}.`, spec, specKeys);
    if (typeof spec.launch?.launch !== "function") {
      throw new TypeError(
        `${at}.launch: wanted inProcess(), worker() or childProcess(), got ${describeValue(spec.launch)}`,
      );
    }
    const range = spec.expect?.version;
    if (range !== undefined && !isRange(range)) {
      throw new TypeError(`${at}.expect.version: wanted a semver range, got ${describeValue(range)}`);
    }
    plugins.set(name, {
      launcher: spec.launch,
      config: spec.config,
      essential: spec.essential ?? true,
      expect: { services: spec.expect?.services, version: spec.expect?.version },
    });
  }
  for (const [option, names] of [
    ["prefer", Object.values(options.prefer ?? {})],
    ["select", Object.keys(options.select ?? {})],
  ] as const) {
    const unknown = names.find((name) => !plugins.has(name));
    if (unknown !== undefined) {
      const known = [...plugins.keys()].join(", ");
      throw new TypeError(`${option}: there is no plugin "${unknown}", but ${known || "none"}`);
    }
  }
  for (const [name, strategy] of Object.entries(options.select ?? {})) {
    if (!strategyNames.includes(strategy)) {
      throw new TypeError(
        `select.${name}: wanted one of ${strategyNames.join(", ")}, got ${describeValue(strategy)}`,
      );
    }
  }
  return plugins;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function refuseUnknown(prefix: string, value: object, known: ReadonlySet<string>): void {
  for (const key of Object.keys(value)) {
    if (!known.has(key)) {
      throw new TypeError(`${prefix}${key}: there is no such option, but ${[...known].join(", ")}`);
    }
  }
}

/** @throws RangeError for a size of messages that is none; the other limits are checked where they are kept */
export function checkHostLimits(limits: HostLimits = {}): HostLimits {
  const { messageBytes } = limits;
  if (messageBytes !== undefined && !(Number.isSafeInteger(messageBytes) && messageBytes > 0)) {
    throw new RangeError(`limits.messageBytes: wanted a whole number from 1, got ${String(messageBytes)}`);
  }
  return limits;
}
