import { definePlugin, provides } from "@connect-plugin/plugin";
import { z } from "zod";
import { CacheService } from "../gen/shortener/v1/cache_pb.js";

/** Remembers the links that were used last. */
export default definePlugin({
  name: "shortener-cache",
  version: "1.0.0",
  provides: { cache: provides(CacheService, "1.0.0") },
  config: z.object({ entries: z.number().int().positive().default(1_000) }),
  start(ctx) {
    // A Map keeps the order of insertion: what was used last is put in again, so the first entry is the oldest.
    const urls = new Map<string, string>();
    return {
      services: {
        cache: {
          lookup({ code }) {
            const url = urls.get(code);
            if (url === undefined) return {};
            urls.delete(code);
            urls.set(code, url);
            return { url };
          },
          remember({ code, url }) {
            urls.delete(code);
            urls.set(code, url);
            for (const oldest of urls.keys()) {
              if (urls.size <= ctx.config.entries) break;
              urls.delete(oldest);
            }
            return {};
          },
        },
      },
    };
  },
});
