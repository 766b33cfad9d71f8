import { definePlugin, provides } from "@connect-plugin/plugin";
import { Code, ConnectError } from "@connectrpc/connect";
import { z } from "zod";
import { KVService } from "./gen/kv/v1/kv_pb.js";
import { openStore } from "./store.js";

/** A key-value store on disk. Run one instance at a time: it owns its directory. */
export default definePlugin({
  name: "kv-store",
  version: "1.0.0",
  provides: { kv: provides(KVService, "1.0.0") },
  config: z.object({ path: z.string().min(1) }),
  instances: "one",
  async start(ctx) {
    const store = openStore(ctx.config.path);
    return {
      services: {
        kv: {
          get({ key }) {
            const value = store.get(key);
            return { value: value ?? new Uint8Array(), found: value !== undefined };
          },
          async put({ key, value }) {
            if (key === "")
              throw new ConnectError("the key of a put must not be empty", Code.InvalidArgument);
            await store.put(key, value);
            return {};
          },
          async delete({ key }) {
            return { found: await store.delete(key) };
          },
          watch: ({ prefix }, call) => store.watch(prefix, AbortSignal.any([call.signal, call.draining])),
        },
      },
      stop: () => store.close(),
    };
  },
});
