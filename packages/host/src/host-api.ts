import type { DescService } from "@bufbuild/protobuf";
import type { ServiceClient } from "@connect-plugin/rpc";
import type { PluginSummary } from "./admin/plugin-summary.js";
import type { Providers } from "./client/providers.js";
import type { HostEvent } from "./event.js";
import type { HostLife, HostReport, StopReport } from "./host-life.js";
import type { ProviderRecord } from "./registry/record.js";
import type { EdgeSnapshot } from "./router/traffic.js";
import type { Door } from "./server/door.js";

/** Runs plugins, and calls their services. */
export interface Host<K extends string = string> {
  /** Unique for this run of the host. */
  readonly id: string;
  /**
   * Launches all plugins and starts them in the order in which they need each other. Settles when each runs or has
   * failed. Rejects with one ConnectError, which names every essential plugin that failed and why, after it has stopped
   * those that had started.
   */
  start(): Promise<HostReport>;
  /**
   * A client of a service, for as long as the host lives: it survives restarts of the plugin. Calls wait, within their
   * deadlines (30 s for unary calls unless told), for a plugin that is on its way up.
   */
  client<S extends DescService>(desc: S, options?: HostClientOptions<K>): ServiceClient<S>;
  /** All plugins that provide a service. */
  each<S extends DescService>(desc: S, options?: HostEachOptions): Providers<S>;
  /**
   * Ends a plugin's instance and launches another; settles when that is ready. Calls to it wait meanwhile; other plugins
   * do not notice. Rejects with the ConnectError of why it is not ready.
   */
  restart(plugin: K): Promise<void>;
  /**
   * Stops all plugins, dependants first, and the host. Always ends: what has not stopped after `graceMs` (default
   * 15,000) is ended by force within 4 s more, and what will not end even then is named. Never rejects. Called again, it
   * can only shorten the time.
   */
  stop(options?: {
    readonly graceMs?: number | undefined;
    readonly reason?: string | undefined;
  }): Promise<StopReport>;
  /**
   * Answers applications' requests in a server of your own: `node:http`, `http2`, or a framework that passes Node's
   * requests on unread. Throws a TypeError if the host was made without the option `door`.
   */
  readonly handler: DoorHandler;
  /** Where the door listens, such as `http://127.0.0.1:8443`; undefined if it does not, or not yet. */
  readonly doorUrl: string | undefined;
  /** How the host and its plugins are. */
  status(): HostStatus;
  /** All that is provided now, ordered by service and plugin. */
  services(): readonly ProviderRecord[];
  /** Who called whom, how often and how fast. */
  traffic(): readonly EdgeSnapshot[];
  readonly events: {
    /** Calls the listener for each event from now on. Returns what ends that. */
    subscribe(listener: (event: HostEvent) => void): () => void;
  };
  [Symbol.asyncDispose](): Promise<void>;
}

/** Takes a request of Node's `http` or `http2` (compatibility API) with its response. Never throws. */
export type DoorHandler = Door["handle"];

export interface HostStatus {
  readonly state: HostLife["state"];
  /** In the order of the options. */
  readonly plugins: readonly PluginSummary[];
}

export interface HostClientOptions<K extends string> {
  /** The plugin that is to answer. Default: the one that provides the service, or the operator's `prefer`. */
  readonly plugin?: K | undefined;
  /** Deadline of calls that name none, in ms; 0 for none. Default: 30,000 for unary calls, none for streams. */
  readonly defaultTimeoutMs?: number | undefined;
}

export interface HostEachOptions {
  /** Semver range of the contract. Default: any version. */
  readonly range?: string | undefined;
  /** As for {@link HostClientOptions}. */
  readonly defaultTimeoutMs?: number | undefined;
}
