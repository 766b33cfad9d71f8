import { type CallHandler, HostSessionService } from "@connect-plugin/protocol";
import { createServiceClient, createServiceEnd, type Implementation } from "@connect-plugin/rpc";
import { afterEach, expect, test } from "vitest";
import { createProviderWatch } from "./provider-watch.js";

const over = new Set<AbortController>();
afterEach(() => {
  for (const controller of over) controller.abort();
  over.clear();
});

function watch(implementation: Implementation<typeof HostSessionService>) {
  const end = new AbortController();
  over.add(end);
  const host: CallHandler = createServiceEnd({ services: [{ desc: HostSessionService, implementation }] });
  const lost: unknown[] = [];
  const providers = createProviderWatch({
    service: "notes.v1.TagService",
    range: "^1",
    host: createServiceClient(HostSessionService, host),
    signal: end.signal,
    onLost: (error) => lost.push(error),
  });
  return { providers, lost, end };
}

function provider(plugin: string, available = true, version = "1.0.0") {
  return { plugin, version, available };
}

test("those that can be called are listed, and a list that says the same changes nothing", async () => {
  const requests: unknown[] = [];
  const { providers } = watch({
    async *watchProviders(request, call) {
      requests.push(request);
      yield { providers: [provider("a"), provider("b", false)] };
      yield { providers: [provider("a"), provider("b", false), provider("c", false)] };
      yield { providers: [provider("a"), provider("b")] };
      yield { providers: [provider("a"), provider("b", true, "1.1.0")] };
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    },
  });
  const lists: unknown[] = [];
  const changes = providers.changes.read(() => providers.available)[Symbol.asyncIterator]();
  await providers.ready;
  expect(providers.available).toEqual([{ plugin: "a", version: "1.0.0" }]);
  while (providers.available[1]?.version !== "1.1.0") lists.push((await changes.next()).value);
  expect(requests).toMatchObject([{ service: "notes.v1.TagService", range: "^1" }]);
});

test("a stream that breaks is asked for again from where it was; until then the last list holds", async () => {
  const cursors: unknown[] = [];
  const { providers, lost } = watch({
    async *watchProviders({ from }, call) {
      cursors.push(from?.revision);
      if (cursors.length === 1) {
        yield { cursor: { epoch: "e", revision: 7n }, providers: [provider("a")] };
        throw new Error("the host had trouble");
      }
      if (cursors.length === 2) return;
      yield { cursor: { epoch: "e", revision: 8n }, providers: [provider("b")] };
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    },
  });
  await providers.ready;
  const changes = providers.changes.read(() => providers.available)[Symbol.asyncIterator]();
  expect(providers.available).toEqual([{ plugin: "a", version: "1.0.0" }]);
  expect((await changes.next()).value).toEqual([{ plugin: "b", version: "1.0.0" }]);
  expect(cursors).toEqual([undefined, 7n, 7n]);
  expect(lost).toHaveLength(1);
});

test("the end of the session ends the watch and its readers, and keeps nobody waiting", async () => {
  const { providers, end, lost } = watch({
    async *watchProviders(_, call) {
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
    },
  });
  const next = providers.changes
    .read(() => 1)
    [Symbol.asyncIterator]()
    .next();
  end.abort();
  await providers.ready;
  expect((await next).done).toBe(true);
  expect(lost).toEqual([]);
});
