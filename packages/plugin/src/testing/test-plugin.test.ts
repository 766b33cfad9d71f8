import { createFailure } from "@connect-plugin/protocol";
import { failureError, failureInfo } from "@connect-plugin/rpc";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { definePlugin } from "../define/define-plugin.js";
import { capability, each, optional, requires } from "../define/need.js";
import { provides } from "../define/offer.js";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { createGate, notes, rejection, tags } from "../fixtures/notes.js";
import { testPlugin } from "./test-plugin.js";

const running: { stop(): Promise<unknown> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((plugin) => plugin.stop()));
});
function tested<T extends { stop(): Promise<unknown> }>(plugin: T): T {
  running.push(plugin);
  return plugin;
}

async function* texts(...values: string[]) {
  for (const text of values) yield { text };
}

async function collect<T>(stream: AsyncIterable<{ readonly text: T }>): Promise<T[]> {
  const all: T[] = [];
  for await (const { text } of stream) all.push(text);
  return all;
}

const plain = definePlugin({
  name: "notes",
  version: "1.0.0",
  provides: { notes: provides(NotesService, "1.0.0") },
  start: () => ({ services: { notes } }),
});

describe.each(["direct", "lane"] as const)("over a %s link", (link) => {
  test("a plugin answers all four kinds of calls", async () => {
    const plugin = tested(await testPlugin(plain, { link }));
    const client = plugin.client(NotesService);
    expect((await client.read({ name: "todo" })).text).toBe("todo for test");
    expect(await collect(client.follow({ name: "todo", count: 3 }))).toEqual(["todo 1", "todo 2", "todo 3"]);
    expect((await client.import(texts("a", "b", "c"))).count).toBe(3);
    expect(await collect(client.echo(texts("x", "y")))).toEqual(["x", "y"]);
  });

  test("a handler is told who calls, for whom, and until when", async () => {
    const seen: unknown[] = [];
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      provides: { tags: provides(TagService, "1.0.0") },
      start: () => ({
        services: {
          tags: {
            suggest(_, call) {
              seen.push(
                call.caller,
                call.onBehalfOf,
                call.deadline - performance.now(),
                call.draining.aborted,
              );
              return {};
            },
            forget: () => ({}),
          },
        },
      }),
    });
    const plugin = tested(await testPlugin(definition, { link }));
    const options = {
      caller: { name: "web" },
      onBehalfOf: [{ kind: "external" as const, name: "ada" }, { name: "cron" }],
    };
    await plugin.client(TagService, options).suggest({}, { timeoutMs: 5_000 });
    expect(seen).toEqual([
      { kind: "plugin", name: "web", runtimeId: "web-00000000", claims: {} },
      [
        { kind: "external", name: "ada", runtimeId: "ada-00000000", claims: {} },
        { kind: "plugin", name: "cron", runtimeId: "cron-00000000", claims: {} },
      ],
      expect.toSatisfy((left: number) => left > 0 && left <= 5_000),
      false,
    ]);
  });

  test("a caller that leaves ends the call, and so does its deadline", async () => {
    const ends: string[] = [];
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      provides: { notes: provides(NotesService, "1.0.0") },
      start: () => ({
        services: {
          notes: {
            ...notes,
            read: (_, call) =>
              new Promise((_resolve, reject) => {
                call.signal.addEventListener("abort", () => {
                  ends.push("deadline");
                  reject(call.signal.reason);
                });
              }),
            async *follow({ name }, call) {
              try {
                while (!call.signal.aborted) yield { text: name };
              } finally {
                ends.push("left");
              }
            },
          },
        },
      }),
    });
    const plugin = tested(await testPlugin(definition, { link }));
    const client = plugin.client(NotesService);
    for await (const { text } of client.follow({ name: "todo" })) {
      expect(text).toBe("todo");
      break;
    }
    // Long enough for the handler to have begun, however busy the machine is.
    const late = await rejection(client.read({}, { timeoutMs: 500 }));
    expect(late).toMatchObject({ code: Code.DeadlineExceeded });
    await plugin.drain();
    expect(ends.sort()).toEqual(["deadline", "left"]);
  });

  test("errors come back as they were thrown, and what was no ConnectError is told only to the log", async () => {
    const definition = definePlugin({
      name: "tags",
      version: "1.0.0",
      provides: { tags: provides(TagService, "1.0.0") },
      start: () => ({
        services: {
          tags: {
            suggest: () => {
              throw new ConnectError("no such text", Code.NotFound);
            },
            forget: () => {
              throw new Error("password is hunter2");
            },
          },
        },
      }),
    });
    const plugin = tested(await testPlugin(definition, { link }));
    const client = plugin.client(TagService);
    expect(await rejection(client.suggest({}))).toMatchObject({
      code: Code.NotFound,
      rawMessage: "no such text",
    });
    const hidden = await rejection(client.forget({}));
    expect(failureInfo(hidden)).toMatchObject({ reason: "HANDLER_FAILED", fault: "plugin" });
    expect(String(hidden)).not.toContain("hunter2");
    const line = await plugin.logged("notes.v1.TagService/Forget failed: password is hunter2");
    expect(line).toMatchObject({ level: "error", fields: { procedure: "notes.v1.TagService/Forget" } });
    expect(line.fields.stack).toContain("test-plugin.test.ts");
  });

  test("needs are called, and the calls carry the call that they are made for", async () => {
    const seen: unknown[] = [];
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      provides: { notes: provides(NotesService, "1.0.0") },
      requires: { tags: requires(TagService, "^1") },
      async start({ services }) {
        await services.tags.suggest({ text: "at start" });
        return {
          services: {
            notes: {
              ...notes,
              async read({ name }) {
                await new Promise((resolve) => setTimeout(resolve, 1));
                const { tags: found } = await services.tags.suggest({ text: name });
                await services.tags.forget({ tag: name }, { detached: true });
                return { text: found.join() };
              },
              async *follow({ name }) {
                yield { text: name };
                const { tags: found } = await services.tags.suggest({ text: name });
                yield { text: found.join() };
              },
            },
          },
        };
      },
    });
    const names = (callers: readonly { readonly name: string }[]) =>
      callers.map((caller) => caller.name).join();
    const plugin = tested(
      await testPlugin(definition, {
        link,
        services: {
          tags: {
            suggest({ text }, call) {
              const limited = Number.isFinite(call.deadline)
                ? call.deadline - performance.now() <= 5_000
                : false;
              seen.push([text, call.caller.name, names(call.onBehalfOf), limited]);
              return { tags: [text.toUpperCase()] };
            },
            forget({ tag }, call) {
              seen.push([
                tag,
                call.caller.name,
                names(call.onBehalfOf),
                call.deadline - performance.now() <= 5_000,
              ]);
              return {};
            },
          },
        },
      }),
    );
    const client = plugin.client(NotesService, { caller: { name: "web" }, onBehalfOf: [{ name: "ada" }] });
    expect((await client.read({ name: "todo" }, { timeoutMs: 5_000 })).text).toBe("TODO");
    expect(await collect(client.follow({ name: "list" }, { timeoutMs: 5_000 }))).toEqual(["list", "LIST"]);
    expect(seen).toEqual([
      ["at start", "tested", "", false],
      ["todo", "tested", "web,ada", true],
      ["todo", "tested", "", false],
      ["list", "tested", "web,ada", true],
    ]);
  });

  test("cancelling a call cancels the calls made for it", async () => {
    const cancelled = createGate();
    const arrived = createGate();
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      provides: { notes: provides(NotesService, "1.0.0") },
      requires: { tags: requires(TagService, "^1") },
      start: ({ services }) => ({
        services: {
          notes: {
            ...notes,
            async read({ name }) {
              const { tags: found } = await services.tags.suggest({ text: name });
              return { text: found.join() };
            },
          },
        },
      }),
    });
    const suggest = (_: unknown, call: { readonly signal: AbortSignal }) =>
      new Promise<{ tags: string[] }>((_resolve, reject) => {
        arrived.open();
        call.signal.addEventListener("abort", () => {
          cancelled.open();
          reject(call.signal.reason);
        });
      });
    const plugin = tested(await testPlugin(definition, { link, services: { tags: { suggest } } }));
    const leaving = new AbortController();
    const call = rejection(plugin.client(NotesService).read({}, { signal: leaving.signal }));
    await arrived.opened;
    leaving.abort();
    expect(await call).toMatchObject({ code: Code.Canceled });
    await cancelled.opened;
  });
});

describe("needs that come and go", () => {
  const watching = definePlugin({
    name: "notes",
    version: "1.0.0",
    requires: { perhaps: optional(TagService, "^1.2"), all: each(TagService, "^1.2") },
    provides: { notes: provides(NotesService, "1.0.0") },
    start({ services, log, signal }) {
      const changes = (async () => {
        for await (const available of services.perhaps.changes(signal))
          log.info(`tags are ${available ? "there" : "gone"}`);
      })();
      return {
        services: {
          notes: {
            ...notes,
            async read() {
              const found = [...services.all].map(({ plugin, version }) => `${plugin}@${version}`);
              return { text: `${services.perhaps.available} ${found.join(" ")}` };
            },
            async *follow(_, call) {
              for await (const _change of services.all.changes(call.signal)) {
                yield { text: [...services.all].map(({ plugin }) => plugin).join() };
              }
            },
          },
        },
        stop: async () => await changes,
      };
    },
  });

  test("an optional one is there or not, as the host says", async () => {
    const plugin = tested(await testPlugin(watching));
    const client = plugin.client(NotesService);
    expect((await client.read({})).text).toBe("false ");
    plugin.provide("perhaps", tags);
    await plugin.logged("tags are there");
    expect((await client.read({})).text).toBe("true fake-perhaps@1.2.0");
    plugin.provide("perhaps", undefined);
    await plugin.logged("tags are gone");
    expect((await client.read({})).text).toBe("false ");
  });

  test("what is there at the start is known at the start", async () => {
    let atStart: unknown;
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      requires: { perhaps: optional(TagService, "^1"), all: each(TagService, "^1") },
      async start({ services }) {
        const answers = [];
        for (const { plugin, client } of services.all)
          answers.push(plugin, (await client.suggest({ text: "?" })).tags.join());
        atStart = [services.perhaps.available, answers, services.all.get("nobody")];
        expect(services.all.get("alpha")).toBe([...services.all][0]?.client);
        return {};
      },
    });
    tested(
      await testPlugin(definition, {
        services: {
          all: {
            beta: { suggest: () => ({ tags: ["from beta"] }) },
            alpha: { suggest: () => ({ tags: ["from alpha"] }) },
          },
        },
      }),
    );
    expect(atStart).toEqual([true, ["alpha", "from alpha", "beta", "from beta"], undefined]);
  });

  test("of each, the changes are told", async () => {
    const plugin = tested(await testPlugin(watching));
    const lists = plugin.client(NotesService).follow({})[Symbol.asyncIterator]();
    const first = lists.next();
    // The handler must have begun to listen: what changed before is no change to it.
    await plugin.client(NotesService).read({});
    plugin.provide("all", { beta: tags, alpha: tags });
    expect((await first).value?.text).toBe("alpha,beta");
    const second = lists.next();
    plugin.provide("all", { beta: tags });
    expect((await second).value?.text).toBe("beta");
    await lists.return?.();
  });

  test("a call that nobody answers says so", async () => {
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      provides: { notes: provides(NotesService, "1.0.0") },
      requires: { tags: requires(TagService, "^1") },
      start: ({ services }) => ({
        services: {
          notes: {
            ...notes,
            async read() {
              await services.tags.forget({});
              return {};
            },
          },
        },
      }),
    });
    const plugin = tested(await testPlugin(definition, { services: { tags: { suggest: () => ({}) } } }));
    const client = plugin.client(NotesService);
    expect(await rejection(client.read({}))).toMatchObject({
      code: Code.Unimplemented,
      rawMessage: "the test has no stand-in for notes.v1.TagService/Forget",
    });
    plugin.provide("tags", undefined);
    const nobody = await rejection(client.read({}));
    expect(nobody).toMatchObject({
      code: Code.Unavailable,
      rawMessage: "Nobody provides notes.v1.TagService in this test.",
    });
    expect(failureInfo(nobody)?.reason).toBe("NO_PROVIDER");
  });
});

test("a capability is lent to the plugin, with the methods that it asked for", async () => {
  const definition = definePlugin({
    name: "notes",
    version: "1.0.0",
    provides: { notes: provides(NotesService, "1.0.0") },
    requires: { lent: capability(TagService, "^1", { methods: ["suggest"] }) },
    start: ({ services }) => ({
      services: {
        notes: {
          ...notes,
          async read({ name }) {
            const wider = services.lent as unknown as { forget(request: object): Promise<object> };
            if (name === "") await wider.forget({});
            return { text: (await services.lent.suggest({ text: name })).tags.join() };
          },
        },
      },
    }),
  });
  const plugin = tested(await testPlugin(definition, { capabilities: { lent: tags } }));
  const client = plugin.client(NotesService);
  expect((await client.read({ name: "x" })).text).toBe("x");
  expect(failureInfo(await rejection(client.read({})))?.reason).toBe("GRANT_SCOPE");
});

test("health is what the plugin last said", async () => {
  const definition = definePlugin({
    name: "notes",
    version: "1.0.0",
    provides: { notes: provides(NotesService, "1.0.0") },
    start({ health }) {
      health.degraded("warming up");
      return {
        services: {
          notes: {
            ...notes,
            read({ name }) {
              if (name === "ill") health.unhealthy("disk full");
              else if (name === "so-so") health.degraded("slow", ["notes.v1.TagService"]);
              else health.healthy();
              return {};
            },
          },
        },
      };
    },
  });
  const plugin = tested(await testPlugin(definition));
  const client = plugin.client(NotesService);
  expect(await plugin.health()).toEqual({ state: "degraded", reason: "warming up", unavailable: [] });
  await client.read({ name: "ill" });
  expect(await plugin.health()).toEqual({ state: "unhealthy", reason: "disk full", unavailable: [] });
  await client.read({ name: "so-so" });
  expect(await plugin.health()).toEqual({
    state: "degraded",
    reason: "slow",
    unavailable: ["notes.v1.TagService"],
  });
  await client.read({ name: "well" });
  expect(await plugin.health()).toEqual({ state: "healthy", reason: "", unavailable: [] });
});

describe("the test is told", () => {
  test("the lines of the log, and which ones did not come", async () => {
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      start({ log, plugin }) {
        log.debug("one", { plugin: plugin.name, runtimeId: plugin.runtimeId });
        log.error("two", { n: 2 });
        return {};
      },
    });
    const plugin = tested(await testPlugin(definition, { name: "diary" }));
    expect(await plugin.logged("two")).toEqual({ level: "error", message: "two", fields: { n: "2" } });
    expect(plugin.log).toEqual([
      { level: "debug", message: "one", fields: { plugin: "diary", runtimeId: plugin.runtimeId } },
      { level: "error", message: "two", fields: { n: "2" } },
    ]);
    expect(plugin.runtimeId).toMatch(/^diary-[0-9a-f]{16}$/);
    await expect(plugin.logged("three")).rejects.toThrow(
      'no log line with "three" came within 2000 ms; there are:\n  debug one\n  error two',
    );
  });

  test("what is missing, before anything starts", async () => {
    const definition = definePlugin({
      name: "notes",
      version: "1.0.0",
      requires: { tags: requires(TagService, "^1"), lent: capability(TagService, "^1") },
      start: () => ({}),
    });
    const incomplete = (options: object) => testPlugin(definition, options as never);
    await expect(incomplete({})).rejects.toThrow(
      new TypeError("testPlugin: services.tags is missing: the plugin requires notes.v1.TagService"),
    );
    await expect(incomplete({ services: { tags } })).rejects.toThrow(
      new TypeError("testPlugin: capabilities.lent is missing: the plugin requires notes.v1.TagService"),
    );
    await expect(
      incomplete({ services: { tags, more: tags }, capabilities: { lent: tags } }),
    ).rejects.toThrow(
      new TypeError('testPlugin: the plugin does not require "more"; it requires tags, lent'),
    );
    await expect(incomplete({ services: { tags }, capabilities: { lent: tags, tags } })).rejects.toThrow(
      new TypeError("testPlugin: capabilities.tags: the plugin does not ask for a capability under this key"),
    );
  });

  test("that a definition is none of this SDK", async () => {
    const foreign = { $connectPlugin: plain.$connectPlugin };
    await expect(testPlugin(foreign)).rejects.toThrow(
      /^testPlugin: the definition must be what definePlugin\(\)/,
    );
  });
});

test("config goes through the plugin's schema", async () => {
  const definition = definePlugin({
    name: "notes",
    version: "1.0.0",
    provides: { tags: provides(TagService, "1.0.0") },
    config: z.object({ prefix: z.string(), times: z.number().default(2) }),
    start: ({ config }) => ({
      services: {
        tags: { ...tags, suggest: ({ text }) => ({ tags: [config.prefix.repeat(config.times) + text] }) },
      },
    }),
  });
  const plugin = tested(await testPlugin(definition, { config: { prefix: "#" } }));
  expect((await plugin.client(TagService).suggest({ text: "x" })).tags).toEqual(["##x"]);
  const refused = await rejection(testPlugin(definition, { config: { prefix: 3 as never } }));
  expect(failureInfo(refused)).toMatchObject({ reason: "CONFIG_INVALID", fault: "operator" });
});

test("a failure of ours that a handler passes on stays what it is", async () => {
  const failure = createFailure("GRANT_QUOTA", "too much", { facts: { limit: "3" } });
  const definition = definePlugin({
    name: "tags",
    version: "1.0.0",
    provides: { tags: provides(TagService, "1.0.0") },
    start: () => ({
      services: {
        tags: {
          ...tags,
          suggest: () => {
            throw failureError("GRANT_QUOTA", failure.message, { facts: { limit: "3" } });
          },
        },
      },
    }),
  });
  const plugin = tested(await testPlugin(definition));
  expect(failureInfo(await rejection(plugin.client(TagService).suggest({})))).toEqual(failure.info);
});
