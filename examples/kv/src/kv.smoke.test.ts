import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestedPlugin, testPlugin } from "@connect-plugin/plugin/testing";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EventType, KVService } from "./gen/kv/v1/kv_pb.js";
import plugin from "./kv.plugin.js";

let directory: string;
let running: TestedPlugin<Record<never, never>> | undefined;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kv-"));
});
afterEach(async () => {
  await running?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function open() {
  running = await testPlugin(plugin, { config: { path: directory } });
  return running.client(KVService);
}
const bytes = (text: string) => new TextEncoder().encode(text);

it("keeps what was put, also over a restart", async () => {
  const before = await open();
  await before.put({ key: "a", value: bytes("one") });
  await running?.stop();
  const after = await open();
  await expect(after.get({ key: "a" })).resolves.toMatchObject({ found: true, value: bytes("one") });
  await expect(after.get({ key: "b" })).resolves.toMatchObject({ found: false });
});

it("says of a delete whether there was something, and only once", async () => {
  const kv = await open();
  await kv.put({ key: "a", value: bytes("one") });
  const deletes = await Promise.all([kv.delete({ key: "a" }), kv.delete({ key: "a" })]);
  expect(deletes.map(({ found }) => found).sort()).toEqual([false, true]);
});

it("refuses an empty key", async () => {
  const kv = await open();
  await expect(kv.put({ key: "" })).rejects.toMatchObject({
    code: Code.InvalidArgument,
    rawMessage: "the key of a put must not be empty",
  });
});

it("tells changes below a prefix, in order, after a first event of no type", async () => {
  const kv = await open();
  const seen: [EventType, string][] = [];
  for await (const { type, key } of kv.watch({ prefix: "x/" })) {
    seen.push([type, key]);
    if (seen.length === 1) {
      await kv.put({ key: "x/1" });
      await kv.put({ key: "y/1" });
      await kv.delete({ key: "x/1" });
    }
    if (seen.length === 3) break;
  }
  expect(seen).toEqual([
    [EventType.UNSPECIFIED, "_watch_started"],
    [EventType.PUT, "x/1"],
    [EventType.DELETE, "x/1"],
  ]);
});

it("ends a watch when the plugin is drained", async () => {
  const kv = await open();
  const kinds: EventType[] = [];
  for await (const { type } of kv.watch({})) {
    kinds.push(type);
    void running?.drain();
  }
  expect(kinds).toEqual([EventType.UNSPECIFIED]);
});
