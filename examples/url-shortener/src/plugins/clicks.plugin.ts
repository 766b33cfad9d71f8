import { EventEmitter, on } from "node:events";
import { definePlugin, provides } from "@connect-plugin/plugin";
import { ClicksService } from "../gen/shortener/v1/clicks_pb.js";

interface Count {
  readonly code: string;
  readonly count: bigint;
  readonly total: bigint;
}

/** Counts clicks in memory and tells whoever watches. */
export default definePlugin({
  name: "shortener-clicks",
  version: "1.0.0",
  provides: { clicks: provides(ClicksService, "1.0.0") },
  start() {
    const counts = new Map<string, bigint>();
    const changes = new EventEmitter<{ count: [Count] }>().setMaxListeners(0);
    let total = 0n;
    const record = (code: string): bigint => {
      const count = (counts.get(code) ?? 0n) + 1n;
      counts.set(code, count);
      total += 1n;
      changes.emit("count", { code, count, total });
      return count;
    };
    return {
      services: {
        clicks: {
          recordClick: ({ code }) => ({ count: record(code) }),
          async recordClicks(clicks) {
            let taken = 0n;
            for await (const { code } of clicks) {
              record(code);
              taken += 1n;
            }
            return { taken };
          },
          async *watchClicks(_request, call) {
            const signal = AbortSignal.any([call.signal, call.draining]);
            // Listen before the counters are told, so that no click falls between.
            const heard = on(changes, "count", { signal });
            for (const [code, count] of [...counts]) yield { code, count, total };
            try {
              for await (const [count] of heard as AsyncIterable<[Count]>) yield count;
            } catch (error) {
              if (!signal.aborted) throw error;
            }
          },
        },
      },
    };
  },
});
