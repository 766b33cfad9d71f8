import { capability, definePlugin, provides } from "@connect-plugin/plugin";
import { Logger } from "@connect-plugin/protocol";
import { JournalService } from "../gen/shortener/v1/journal_pb.js";

/** Writes what happens into the host's log. */
export default definePlugin({
  name: "shortener-logger",
  version: "1.0.0",
  provides: { journal: provides(JournalService, "1.0.0") },
  requires: { log: capability(Logger, "^1.0.0", { methods: ["log"] }) },
  start(ctx) {
    let sequence = 0n;
    return {
      services: {
        journal: {
          async append({ event, facts }, call) {
            sequence += 1n;
            const fields = { ...facts, by: call.caller.name, sequence: String(sequence) };
            await ctx.services.log.log({ level: "info", message: event, fields });
            return { sequence };
          },
        },
      },
    };
  },
});
