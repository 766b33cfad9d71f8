import { definePlugin, provides } from "@connect-plugin/plugin";
import { Code, ConnectError } from "@connectrpc/connect";
import { open } from "lmdb";
import { z } from "zod";
import { StorageService } from "../gen/shortener/v1/storage_pb.js";

/** Keeps links in LMDB. */
export default definePlugin({
  name: "shortener-storage",
  version: "1.0.0",
  provides: { storage: provides(StorageService, "1.0.0") },
  config: z.object({ path: z.string().min(1) }),
  instances: "one",
  start(ctx) {
    const links = open<string, string>({ path: ctx.config.path });
    return {
      services: {
        storage: {
          async putLink({ link }) {
            if (!link?.code) throw new ConnectError("a link needs a code", Code.InvalidArgument);
            const { code, url } = link;
            // In one transaction, so that of two that want the same code only one gets it.
            const stored = await links.transaction(() => {
              if (!links.doesExist(code)) links.putSync(code, url);
              return links.get(code);
            });
            return { link: { code, url: stored ?? url } };
          },
          getLink({ code }) {
            const url = links.get(code);
            return url === undefined ? {} : { link: { code, url } };
          },
          async *listLinks() {
            for (const { key, value } of links.getRange()) yield { link: { code: key, url: value } };
          },
        },
      },
      stop: () => links.close(),
    };
  },
});
