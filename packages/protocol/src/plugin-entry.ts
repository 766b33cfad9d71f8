import type { CallHandler, Connection } from "./call.js";
import type { Manifest } from "./manifest.js";
import type { Pipe } from "./pipe.js";

/** Version of the contract between a host's bootstrap and a plugin file. */
export const ENTRY_ABI = 1;

/**
 * The default export of a plugin file.
 *
 * Structural on purpose: the SDK that the plugin was built with is not the host's copy, so no class and no symbol can
 * be shared. The one property that matters is `$connectPlugin`.
 */
export interface PluginEntry {
  readonly $connectPlugin: EntryHook;
}

export interface EntryHook {
  readonly abi: typeof ENTRY_ABI;
  readonly manifest: Manifest;
  /** Begins the session with the host. Settles once the handshake is done; rejects if it cannot be. */
  run(link: Link, boot: Boot): Promise<RunningPlugin>;
}

/** What a plugin is told before any of its own code acts. Never travels in arguments or the environment. */
export interface Boot {
  /** The plugin name: the operator's key in the spec. */
  readonly plugin: string;
  /** Unique for this run of the plugin. */
  readonly instanceId: string;
  readonly distance: Distance;
  /** As the operator wrote it; the plugin's own schema checks it. Plain JSON data. */
  readonly config: unknown;
  readonly credential: LaunchCredential;
  /** Largest message either way, in bytes. Default 16 MiB. */
  readonly messageBytes?: number | undefined;
}

/** How far the plugin is from the host, as far as bootstrapping is concerned. */
export type Distance = "in-process" | "worker" | "child-process";

/** Launch secret: single use, one launch. Only its id and a MAC ever travel back. */
export interface LaunchCredential {
  readonly id: string;
  readonly secret: string;
}

/** The way to the host. Over a pipe both sides bring their own lane; in-process there is nothing to frame. */
export type Link = PipeLink | DirectLink;

export interface PipeLink {
  readonly kind: "pipe";
  readonly pipe: Pipe;
}

export interface DirectLink {
  readonly kind: "direct";
  /** Gives the plugin's end to the host and gets the host's. Called once. */
  connect(plugin: CallHandler): Connection;
}

export interface RunningPlugin {
  /** Settles when the plugin has stopped, for whatever reason; never rejects. */
  readonly stopped: Promise<PluginStopped>;
  /** Asks it to stop (SIGTERM, say). Idempotent; the end is told by `stopped`. */
  stop(reason: string): void;
}

/** How a plugin's session ended. */
export type PluginStopped =
  | { readonly how: "asked"; readonly reason: string }
  | { readonly how: "host-gone"; readonly reason: string }
  | { readonly how: "failed"; readonly reason: string };
