import { createFailure } from "@connect-plugin/protocol";
import { toConnectError } from "@connect-plugin/rpc";

/** Bounds how many streams of one kind a plugin holds open. */
export interface WatchLimit {
  /** Passes a stream on, and counts it until it ends. Throws a ConnectError (TOO_MANY_CALLS) beyond the limit. */
  count<T>(stream: AsyncIterable<T>): AsyncIterable<T>;
}

export function createWatchLimit(plugin: string, limit: number): WatchLimit {
  let open = 0;
  return {
    async *count(stream) {
      if (open >= limit) {
        throw toConnectError(
          createFailure(
            "TOO_MANY_CALLS",
            `plugin "${plugin}" watches ${limit} services already, which is as many as it may; end a watch first`,
            { facts: { plugin, limit: String(limit) } },
          ),
        );
      }
      open++;
      try {
        yield* stream;
      } finally {
        open--;
      }
    },
  };
}
