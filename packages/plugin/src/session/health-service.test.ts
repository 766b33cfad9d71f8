import { HealthService, ServingStatus } from "@connect-plugin/protocol";
import { createServiceClient } from "@connect-plugin/rpc";
import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { definePlugin } from "../define/define-plugin.js";
import { provides } from "../define/offer.js";
import type { PluginHealth } from "../define/plugin-context.js";
import { NotesService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { notes, rejection } from "../fixtures/notes.js";
import { openSession } from "../fixtures/open-session.js";

const { SERVING, NOT_SERVING, SERVICE_UNKNOWN } = ServingStatus;

async function setUp() {
  let health: PluginHealth | undefined;
  const session = await openSession(
    definePlugin({
      name: "kv-store",
      version: "1.0.0",
      provides: { notes: provides(NotesService, "1.0.0") },
      start(ctx) {
        health = ctx.health;
        return { services: { notes } };
      },
    }),
  );
  const probe = createServiceClient(HealthService, session.plugin);
  const status = async (service = "") => (await probe.check({ service })).status;
  return { ...session, probe, status, voice: () => health };
}

test("Check says whether calls are served, as a whole and by service", async () => {
  const { session, running, status, probe, voice } = await setUp();
  expect(await status()).toBe(NOT_SERVING);
  await session.start({});
  expect(await status()).toBe(SERVING);
  expect(await status("notes.v1.NotesService")).toBe(SERVING);
  voice()?.degraded("slow");
  expect(await status()).toBe(SERVING);
  voice()?.unhealthy("ill");
  expect(await status()).toBe(NOT_SERVING);
  voice()?.healthy();
  await session.drain({});
  expect(await status("notes.v1.NotesService")).toBe(NOT_SERVING);
  expect(await rejection(probe.check({ service: "kv" }))).toMatchObject({
    code: Code.NotFound,
    rawMessage: 'plugin kv-store does not serve "kv"',
  });
  running.stop("done");
  await running.stopped;
});

test("Watch tells the present status at once and then each change, and ends with the session", async () => {
  const { session, running, probe, voice } = await setUp();
  const seen: ServingStatus[] = [];
  const watch = probe.watch({ service: "" })[Symbol.asyncIterator]();
  const next = async () => seen.push((await watch.next()).value?.status ?? -1);
  await next();
  await session.start({});
  await next();
  voice()?.unhealthy("ill");
  await next();
  voice()?.healthy();
  await next();
  const last = watch.next();
  running.stop("done");
  await running.stopped;
  expect(seen).toEqual([NOT_SERVING, SERVING, NOT_SERVING, SERVING]);
  expect((await last).value?.status).toBe(NOT_SERVING);
  expect((await watch.next()).done).toBe(true);
});

test("Watch of an unknown service says so", async () => {
  const { running, probe } = await setUp();
  const seen = [];
  for await (const { status } of probe.watch({ service: "kv" })) seen.push(status);
  expect(seen).toEqual([SERVICE_UNKNOWN]);
  running.stop("done");
  await running.stopped;
});
