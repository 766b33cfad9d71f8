import type { Cursor, HostSessionService, WatchProvidersResponse } from "@connect-plugin/protocol";
import type { ServiceClient } from "@connect-plugin/rpc";
import { createBackoff } from "./backoff.js";
import { type ChangeFeed, createChangeFeed } from "./change-feed.js";
import { createDeferred } from "./deferred.js";
import { pause } from "./pause.js";

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** A plugin that provides a service and can be called now. */
export interface AvailableProvider {
  readonly plugin: string;
  readonly version: string;
}

/** What a plugin knows of who provides a service. */
export interface ProviderWatch {
  /** Ordered by plugin. */
  readonly available: readonly AvailableProvider[];
  readonly changes: ChangeFeed;
  /** Settles with the first list, or when the session ends without one. */
  readonly ready: Promise<void>;
}

export interface ProviderWatchOptions {
  /** Fully qualified Protobuf name. */
  readonly service: string;
  /** Semver range. */
  readonly range: string;
  readonly host: ServiceClient<typeof HostSessionService>;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Told once for each time that the watch is lost. */
  readonly onLost: (error: unknown) => void;
}

/**
 * Keeps the list of a service's providers up to date. When the host's stream breaks while the session goes on, it
 * asks for another one from where it was; until then the last list holds.
 */
export function createProviderWatch(options: ProviderWatchOptions): ProviderWatch {
  const { service, range, host, signal, onLost } = options;
  const changes = createChangeFeed();
  const ready = createDeferred<void>();
  let available: readonly AvailableProvider[] = [];
  let cursor: Cursor | undefined;

  function take(list: WatchProvidersResponse): void {
    cursor = list.cursor;
    const now = list.providers.filter((provider) => provider.available);
    const same =
      now.length === available.length && now.every((provider, index) => isSame(provider, available[index]));
    if (!same) {
      available = now.map(({ plugin, version }) => ({ plugin, version }));
      changes.changed();
    }
    ready.resolve();
  }

  async function follow(): Promise<void> {
    const backoff = createBackoff(FIRST_RETRY_MS, MAX_RETRY_MS);
    while (!signal.aborted) {
      try {
        const from = cursor === undefined ? {} : { from: cursor };
        for await (const list of host.watchProviders({ service, range, ...from }, { signal })) {
          take(list);
          backoff.reset();
        }
      } catch (error) {
        if (!signal.aborted) onLost(error);
      }
      await pause(backoff.next(), signal);
    }
    changes.end();
    ready.resolve();
  }

  void follow();
  return {
    get available() {
      return available;
    },
    changes,
    ready: ready.promise,
  };
}

function isSame(a: AvailableProvider, b: AvailableProvider | undefined): boolean {
  return a.plugin === b?.plugin && a.version === b.version;
}
