import { createFailure } from "@connect-plugin/protocol";
import { createServiceClient, refuseCalls } from "@connect-plugin/rpc";
import { expect, test } from "vitest";
import { definePlugin } from "../define/define-plugin.js";
import { capability } from "../define/need.js";
import { provides } from "../define/offer.js";
import type { PluginLog } from "../define/plugin-context.js";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { notes, tags } from "../fixtures/notes.js";
import { type OpenSettings, openSession } from "../fixtures/open-session.js";
import { createHostServices } from "./host-services.js";

async function setUp(settings: OpenSettings = {}) {
  let log: PluginLog | undefined;
  const session = await openSession(
    definePlugin({
      name: "kv-store",
      version: "1.0.0",
      provides: { notes: provides(NotesService, "1.0.0") },
      requires: { lent: capability(TagService, "^1", { methods: ["suggest"] }) },
      start(ctx) {
        log = ctx.log;
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
    }),
    { capabilities: { lent: tags }, ...settings },
  );
  await session.session.start({});
  const client = createServiceClient(NotesService, session.plugin);
  return { ...session, client, log: (message: string) => log?.info(message) };
}

test.each(["direct", "lane"] as const)(
  "grants that end are replaced without a call noticing, over a %s link",
  async (link) => {
    const { host, client, log, running } = await setUp({ link });
    for (let n = 1; n <= 3; n++) {
      expect((await client.read({ name: "x" })).text).toBe("x");
      log(`line ${n}`);
      await expect.poll(() => host.log.length).toBe(n);
      host.grants.revokeAll();
    }
    expect(host.grants.issued).toBe(6);
    running.stop("done");
    await running.stopped;
  },
);

test("short grants under load lose nothing", async () => {
  const { host, client, running } = await setUp({ grantLifeMs: 15 });
  for (let n = 0; n < 40; n++) {
    const texts = await Promise.all([1, 2, 3].map(async (i) => (await client.read({ name: `${i}` })).text));
    expect(texts).toEqual(["1", "2", "3"]);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(host.grants.issued).toBeGreaterThan(1);
  running.stop("done");
  await running.stopped;
});

test("what a host does not take of the log is spilt, line by line", async () => {
  const spilt: string[] = [];
  const refusing = refuseCalls(() => createFailure("HOST_STOPPING", "no more lines"));
  const { logger } = createHostServices(refusing, ({ message }) => spilt.push(message));
  logger.voice.info("one");
  logger.voice.info("two");
  await logger.close(10_000);
  logger.voice.info("too late");
  expect(spilt).toEqual(["one", "two", "too late"]);
});
