import { createHash } from "node:crypto";
import { definePlugin, optional, provides, requires } from "@connect-plugin/plugin";
import { Code, ConnectError } from "@connectrpc/connect";
import { CacheService } from "../gen/shortener/v1/cache_pb.js";
import { ClicksService } from "../gen/shortener/v1/clicks_pb.js";
import { JournalService } from "../gen/shortener/v1/journal_pb.js";
import { ShortenerService } from "../gen/shortener/v1/shortener_pb.js";
import { StorageService } from "../gen/shortener/v1/storage_pb.js";

/** What users call. Needs storage and clicks; a cache makes it faster, a journal tells what it did. */
export default definePlugin({
  name: "shortener-api",
  version: "1.0.0",
  provides: { shortener: provides(ShortenerService, "1.0.0") },
  requires: {
    storage: requires(StorageService, "^1.0.0"),
    clicks: requires(ClicksService, "^1.0.0"),
    cache: optional(CacheService, "^1.0.0"),
    journal: optional(JournalService, "^1.0.0"),
  },
  start(ctx) {
    const { storage, clicks, cache, journal } = ctx.services;

    async function find(code: string): Promise<{ url: string; cached: boolean } | undefined> {
      if (cache.available) {
        const { url } = await cache.client.lookup({ code });
        if (url !== undefined) return { url, cached: true };
      }
      const { link } = await storage.getLink({ code });
      if (link === undefined) return undefined;
      if (cache.available) await cache.client.remember({ code, url: link.url });
      return { url: link.url, cached: false };
    }

    return {
      services: {
        shortener: {
          async shorten({ url }) {
            const wanted = checkUrl(url);
            const { link } = await storage.putLink({ link: { code: codeOf(wanted), url: wanted } });
            if (link?.url !== wanted)
              throw new ConnectError(`two URLs have the code ${codeOf(wanted)}`, Code.AlreadyExists);
            if (journal.available)
              await journal.client.append({ event: "shortened", facts: { code: link.code } });
            return { code: link.code };
          },
          async resolve({ code }) {
            const found = await find(code);
            if (found === undefined)
              throw new ConnectError(`no link has the code ${JSON.stringify(code)}`, Code.NotFound);
            await clicks.recordClick({ code });
            return found;
          },
          async *resolveMany(requests) {
            for await (const { code } of requests) {
              const found = await find(code);
              if (found !== undefined) await clicks.recordClick({ code });
              yield found === undefined ? { code } : { code, url: found.url };
            }
          },
        },
      },
    };
  },
});

function checkUrl(text: string): string {
  if (!URL.canParse(text) || !["http:", "https:"].includes(new URL(text).protocol)) {
    throw new ConnectError(
      `wanted an absolute http or https URL, found ${JSON.stringify(text)}`,
      Code.InvalidArgument,
    );
  }
  return text;
}

/** 60 bits of the URL's hash: the same URL always has the same code. */
function codeOf(url: string): string {
  return createHash("sha256").update(url).digest("base64url").slice(0, 10);
}
