import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { definePlugin } from "../define/define-plugin.js";
import { capability, each, optional, requires } from "../define/need.js";
import { provides } from "../define/offer.js";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { notes, tags } from "../fixtures/notes.js";
import { testPlugin } from "./test-plugin.js";

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

/** Whether all of it goes, given some turns for what is still on its way. */
async function areCollected(refs: readonly WeakRef<object>[]): Promise<boolean> {
  for (let turn = 0; turn < 50; turn++) {
    collect();
    if (refs.every((ref) => ref.deref() === undefined)) return true;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return false;
}

test.each(["direct", "lane"] as const)(
  "a plugin that has stopped leaves nothing behind, over a %s link",
  async (link) => {
    const refs: WeakRef<object>[] = [];
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      provides: { notes: provides(NotesService, "1.0.0") },
      requires: {
        tags: requires(TagService, "^1"),
        perhaps: optional(TagService, "^1"),
        all: each(TagService, "^1"),
        lent: capability(TagService, "^1"),
      },
      start(ctx) {
        refs.push(new WeakRef(ctx), new WeakRef(ctx.services), new WeakRef(ctx.signal), new WeakRef(ctx.log));
        ctx.log.info("hello");
        void (async () => {
          for await (const _ of ctx.services.all.changes()) ctx.health.healthy();
        })();
        return {
          services: {
            notes: {
              ...notes,
              read: async ({ name }) => ({
                text: (await ctx.services.lent.suggest({ text: name })).tags.join(),
              }),
            },
          },
        };
      },
    });

    async function live(): Promise<void> {
      const services = { tags, all: { alpha: tags } };
      const plugin = await testPlugin(definition, { link, services, capabilities: { lent: tags } });
      const client = plugin.client(NotesService);
      await client.read({ name: "x" });
      for await (const _ of client.follow({ name: "x", count: 5 })) break;
      plugin.provide("all", { beta: tags });
      await plugin.stop();
    }

    const before = process.getActiveResourcesInfo().length;
    for (let n = 0; n < 30; n++) await live();
    expect(await areCollected(refs)).toBe(true);
    expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
  },
);
