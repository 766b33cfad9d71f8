import { createFailure, HealthState, PluginIdentity, PluginSessionService } from "@connect-plugin/protocol";
import { createServiceClient, failureInfo } from "@connect-plugin/rpc";
import { Code, ConnectError } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { definePlugin } from "../define/define-plugin.js";
import { capability, optional, requires } from "../define/need.js";
import { provides } from "../define/offer.js";
import type { PluginContext } from "../define/plugin-context.js";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { createGate, notes, rejection, tags } from "../fixtures/notes.js";
import { type OpenSession, openSession } from "../fixtures/open-session.js";

const gone = createFailure("CONNECTION_LOST", "the host is gone");

/** Says what was wrong as a host reads it. */
async function failureOf(promise: PromiseLike<unknown>) {
  const error = await rejection(promise);
  if (!(error instanceof ConnectError)) throw new Error(`not a ConnectError: ${String(error)}`);
  const info = failureInfo(error);
  return { reason: info?.reason, fault: info?.fault, message: error.rawMessage };
}

function clientOf({ host, plugin }: OpenSession) {
  const caller = { kind: "plugin" as const, name: "web", runtimeId: "web-00000000", claims: {} };
  return createServiceClient(
    NotesService,
    host.calls.deliver(plugin, { caller, behind: undefined, depth: 1 }),
  );
}

/** A plugin of one service whose parts a test supplies. */
function define(parts: {
  start?: (ctx: PluginContext) => unknown;
  stop?: () => unknown;
  implementation?: Partial<typeof notes>;
}) {
  return definePlugin({
    name: "kv-store",
    version: "1.4.0",
    provides: { notes: provides(NotesService, "1.2.0") },
    start(ctx) {
      const implementation = { ...notes, ...parts.implementation };
      const started = { services: { notes: implementation }, ...(parts.stop && { stop: parts.stop }) };
      return (parts.start?.(ctx as PluginContext) ?? started) as never;
    },
  });
}

describe.each(["direct", "lane"] as const)("over a %s link", (link) => {
  test("services open when start has returned, and close when the plugin stops", async () => {
    const ready = createGate();
    const session = await openSession(
      definePlugin({
        name: "kv-store",
        version: "1.0.0",
        provides: { notes: provides(NotesService, "1.0.0") },
        async start() {
          await ready.opened;
          return { services: { notes } };
        },
      }),
      { link },
    );
    const client = clientOf(session);
    const early = {
      reason: "PROVIDER_STARTING",
      fault: "plugin",
      message: 'Plugin "kv" takes no calls yet: it is starting. Try again.',
    };
    expect(await failureOf(client.read({}))).toEqual(early);
    const started = session.session.start({});
    expect(await failureOf(client.read({}))).toEqual(early);
    ready.open();
    expect(await started).toMatchObject({
      health: HealthState.HEALTHY,
      reason: "",
      unavailableDependencies: [],
    });
    expect((await client.read({ name: "a" })).text).toBe("a for web");

    expect(await session.control.shutdown({ gracePeriodSeconds: 5, reason: "time to go" })).toMatchObject({
      acknowledged: true,
    });
    expect(await session.running.stopped).toEqual({ how: "asked", reason: "time to go" });
    const end = await session.plugin.closed;
    expect(end.failure.message).toBe('Plugin "kv" has stopped: time to go.');
  });

  test("the end comes in order: draining, calls, ctx.signal, stop(), connection", async () => {
    const events: string[] = [];
    const inCall = createGate();
    const finish = createGate();
    const session = await openSession(
      define({
        start: (ctx) => {
          ctx.signal.addEventListener("abort", () => events.push("signal"));
          return undefined;
        },
        stop: () => events.push("stop"),
        implementation: {
          async read(_, call) {
            call.draining.addEventListener("abort", () => events.push("draining"));
            inCall.open();
            await finish.opened;
            events.push("call done");
            return {};
          },
        },
      }),
      { link },
    );
    void session.plugin.closed.then(() => events.push("closed"));
    await session.session.start({});
    const call = clientOf(session).read({});
    await inCall.opened;
    await session.control.shutdown({ gracePeriodSeconds: 60, reason: "" });
    expect(await failureOf(clientOf(session).read({}))).toEqual({
      reason: "PROVIDER_STOPPED",
      fault: "host",
      message: 'Plugin "kv" is stopping: the host asked for it.',
    });
    finish.open();
    await call;
    expect(await session.running.stopped).toEqual({ how: "asked", reason: "the host asked for it" });
    expect(events).toEqual(["draining", "call done", "signal", "stop", "closed"]);
  });

  test("a host that goes ends the plugin, which frees what it took", async () => {
    const events: string[] = [];
    const inCall = createGate();
    const session = await openSession(
      define({
        start: (ctx) => {
          ctx.signal.addEventListener("abort", () => events.push("signal"));
          return undefined;
        },
        stop: () => events.push("stop"),
        implementation: {
          read: (_, call) =>
            new Promise((_resolve, reject) => {
              inCall.open();
              call.signal.addEventListener("abort", () => {
                events.push("call cancelled");
                reject(call.signal.reason);
              });
            }),
        },
      }),
      { link },
    );
    await session.session.start({});
    const call = rejection(clientOf(session).read({}));
    await inCall.opened;
    session.plugin.close(gone);
    await call;
    expect(await session.running.stopped).toMatchObject({
      how: "host-gone",
      reason: expect.stringContaining("the host is gone"),
    });
    expect(events).toEqual(["call cancelled", "signal", "stop"]);
  });

  test("a host that goes during start ends it too, and what start returns later is stopped", async () => {
    const begun = createGate();
    const stopped = createGate();
    const session = await openSession(
      define({
        start: async (ctx) => {
          begun.open();
          await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
          return { services: { notes }, stop: () => stopped.open() };
        },
      }),
      { link },
    );
    const start = rejection(session.session.start({}));
    await begun.opened;
    session.plugin.close(gone);
    await start;
    await stopped.opened;
    expect(await session.running.stopped).toMatchObject({ how: "host-gone" });
  });
});

describe("a start that fails is told with its reason", () => {
  test("start throws", async () => {
    const session = await openSession(
      define({
        start: () => {
          throw new Error("cannot open ./data", { cause: new Error("EACCES") });
        },
      }),
    );
    expect(await failureOf(session.session.start({}))).toEqual({
      reason: "START_FAILED",
      fault: "plugin",
      message: 'Plugin "kv" failed in its start(): cannot open ./data; caused by: EACCES',
    });
    expect(await failureOf(clientOf(session).read({}))).toEqual({
      reason: "PROVIDER_GONE",
      fault: "plugin",
      message: 'Plugin "kv" takes no calls: it failed to start.',
    });
    session.running.stop("it failed");
    expect(await session.running.stopped).toEqual({ how: "asked", reason: "it failed" });
    const line = session.host.log.find(({ level }) => level === "error");
    expect(line?.message).toBe("start() failed: cannot open ./data; caused by: EACCES");
    expect(line?.fields.stack).toContain("plugin-life.test.ts");
  });

  test.each([
    ["a string", "no disk", "no disk"],
    ["nothing", undefined, "undefined (not an Error)"],
    ["an object", { code: 3 }, '{"code":3} (not an Error)'],
    ["a bigint", 3n, "a bigint that cannot be shown"],
    ["an error without a text", new RangeError(), "RangeError"],
  ])("start throws %s", async (_, thrown, text) => {
    const session = await openSession(define({ start: () => Promise.reject(thrown) }));
    expect((await failureOf(session.session.start({}))).message).toBe(
      `Plugin "kv" failed in its start(): ${text}`,
    );
    session.running.stop("done");
    await session.running.stopped;
  });

  test("a service is not implemented, and what start took is freed", async () => {
    const freed = createGate();
    const { echo: _, ...rest } = notes;
    const session = await openSession(
      define({ start: () => ({ services: { notes: rest }, stop: () => freed.open() }) }),
    );
    expect(await failureOf(session.session.start({}))).toEqual({
      reason: "SERVICE_NOT_IMPLEMENTED",
      fault: "plugin",
      message:
        'Plugin "kv" cannot start: services.notes must implement notes.v1.NotesService/Echo as a function echo(), but echo is undefined.',
    });
    await freed.opened;
    session.running.stop("done");
    await session.running.stopped;
  });

  test("what start returned throws when it is looked at", async () => {
    const hostile = {
      get services(): never {
        throw new Error("hands off");
      },
    };
    const session = await openSession(define({ start: () => hostile }));
    expect(await failureOf(session.session.start({}))).toEqual({
      reason: "START_FAILED",
      fault: "plugin",
      message: 'Plugin "kv" returned what cannot be read from its start(): hands off',
    });
    session.running.stop("done");
    expect(await session.running.stopped).toEqual({ how: "asked", reason: "done" });
  });

  test("the config is wrong: start is not even called", async () => {
    let called = false;
    const definition = definePlugin({
      name: "kv-store",
      version: "1.0.0",
      config: z.object({ path: z.string() }),
      start() {
        called = true;
        return {};
      },
    });
    const session = await openSession(definition, { config: { path: 3 } });
    expect(await failureOf(session.session.start({}))).toEqual({
      reason: "CONFIG_INVALID",
      fault: "operator",
      message:
        'Plugin "kv" cannot start: its config does not fit: config.path: Invalid input: expected string, received number',
    });
    expect(called).toBe(false);
    session.running.stop("done");
    await session.running.stopped;
  });

  test("a capability is not lent", async () => {
    const definition = definePlugin({
      name: "kv-store",
      version: "1.0.0",
      requires: { lent: capability(TagService, "^1") },
      start: () => ({}),
    });
    const session = await openSession(definition);
    expect(await failureOf(session.session.start({}))).toEqual({
      reason: "CAPABILITY_UNKNOWN",
      fault: "plugin",
      message:
        'Plugin "kv" cannot start: This test lends no notes.v1.TagService; it lends capability.logger.v1.Logger.',
    });
    session.running.stop("done");
    await session.running.stopped;
  });

  test("it is told twice to start", async () => {
    const session = await openSession(define({}));
    await session.session.start({});
    expect(await failureOf(session.session.start({}))).toEqual({
      reason: "START_FAILED",
      fault: "host",
      message:
        'Plugin "kv" was told to start, but it is serving: a plugin is started once, after its handshake.',
    });
    expect((await clientOf(session).read({ name: "a" })).text).toBe("a for web");
    session.running.stop("done");
    await session.running.stopped;
    expect(await failureOf(session.session.start({}))).toMatchObject({
      message: 'Plugin "kv" has stopped: done.',
    });
  });
});

describe("a stop during start", () => {
  test("aborts ctx.signal, and what start returns is stopped and never served", async () => {
    const begun = createGate();
    const events: string[] = [];
    const session = await openSession(
      define({
        start: async (ctx) => {
          begun.open();
          await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
          events.push("start ends");
          return { services: { notes }, stop: () => events.push("stop") };
        },
      }),
    );
    const start = failureOf(session.session.start({}));
    await begun.opened;
    session.running.stop("changed my mind");
    expect(await start).toEqual({
      reason: "PROVIDER_STOPPED",
      fault: "host",
      message: 'Plugin "kv" was asked to stop before it had started.',
    });
    expect(await session.running.stopped).toEqual({ how: "asked", reason: "changed my mind" });
    expect(events).toEqual(["start ends", "stop"]);
  });

  test("before start was called keeps it from being called", async () => {
    let called = false;
    const definition = definePlugin({
      name: "kv-store",
      version: "1.0.0",
      requires: { tags: requires(TagService, "^1") },
      config: z.string().refine(async () => {
        await stopped.opened;
        return true;
      }),
      start() {
        called = true;
        return {};
      },
    });
    const stopped = createGate();
    const session = await openSession(definition, { config: "x", services: { tags } });
    const start = failureOf(session.session.start({}));
    session.running.stop("never mind");
    stopped.open();
    expect(await start).toMatchObject({ reason: "PROVIDER_STOPPED" });
    expect(await session.running.stopped).toEqual({ how: "asked", reason: "never mind" });
    expect(called).toBe(false);
  });

  test("is bounded by the grace where start does not listen", async () => {
    const begun = createGate();
    const session = await openSession(
      define({
        start: () => {
          begun.open();
          return new Promise(() => undefined);
        },
      }),
    );
    const start = rejection(session.session.start({}));
    await begun.opened;
    await session.control.shutdown({ gracePeriodSeconds: 1, reason: "" });
    expect(await session.running.stopped).toEqual({
      how: "failed",
      reason: 'Plugin "kv" did not end in time: its start() was still running when its grace was over.',
    });
    await start;
  });

  test("comes too when the host no longer waits", async () => {
    const begun = createGate();
    const session = await openSession(
      define({
        start: async (ctx) => {
          begun.open();
          await new Promise((resolve) => ctx.signal.addEventListener("abort", resolve));
          throw new Error("given up");
        },
      }),
    );
    const waiting = new AbortController();
    const start = rejection(session.session.start({}, { signal: waiting.signal }));
    await begun.opened;
    waiting.abort();
    expect(await start).toMatchObject({ code: Code.Canceled });
    expect(await session.running.stopped).toEqual({
      how: "failed",
      reason: "the host no longer waited for its start",
    });
  });
});

describe("stop()", () => {
  test("that throws is told", async () => {
    const session = await openSession(
      define({
        stop: () => {
          throw new Error("disk full");
        },
      }),
    );
    await session.session.start({});
    session.running.stop("done");
    expect(await session.running.stopped).toEqual({
      how: "failed",
      reason: 'Plugin "kv" failed in its stop(): disk full',
    });
    expect(session.host.log.map(({ message }) => message)).toEqual([
      'Plugin "kv" failed in its stop(): disk full',
    ]);
  });

  test("that hangs is left behind when the grace is over", async () => {
    const session = await openSession(define({ stop: () => new Promise(() => undefined) }));
    await session.session.start({});
    await session.control.shutdown({ gracePeriodSeconds: 1, reason: "" });
    expect(await session.running.stopped).toEqual({
      how: "failed",
      reason: 'Plugin "kv" did not end in time: its stop() was still running when its grace was over.',
    });
  });

  test("is called once, however often and by whomever the plugin is asked", async () => {
    let stops = 0;
    const session = await openSession(define({ stop: () => ++stops }));
    await session.session.start({});
    session.running.stop("first");
    session.running.stop("second");
    await rejection(
      session.control.shutdown({ reason: "third" }).then(() => Promise.reject(new Error("answered"))),
    );
    session.plugin.close(gone);
    expect(await session.running.stopped).toEqual({ how: "asked", reason: "first" });
    expect(stops).toBe(1);
  });
});

test("calls that outlast the grace get a clear answer", async () => {
  const inCall = createGate();
  const session = await openSession(
    define({
      implementation: {
        read: () => {
          inCall.open();
          return new Promise(() => undefined);
        },
      },
    }),
  );
  await session.session.start({});
  const call = failureOf(clientOf(session).read({}, { timeoutMs: 60_000 }));
  await inCall.opened;
  await session.control.shutdown({ gracePeriodSeconds: 1, reason: "too slow" });
  expect(await call).toEqual({
    reason: "PROVIDER_STOPPED",
    fault: "host",
    message: 'Plugin "kv" has stopped: too slow.',
  });
  expect(await session.running.stopped).toEqual({ how: "asked", reason: "too slow" });
});

test("calls that were given their time by a drain get no more of it at the end", async () => {
  const inCall = createGate();
  const session = await openSession(
    define({
      implementation: {
        read: () => {
          inCall.open();
          return new Promise(() => undefined);
        },
      },
    }),
  );
  await session.session.start({});
  const call = failureOf(clientOf(session).read({}, { timeoutMs: 60_000 }));
  await inCall.opened;
  const drained = session.session.drain({ reason: "a new version" });
  // Within the time of this test they could not outlast that grace.
  await session.control.shutdown({ gracePeriodSeconds: 3_600, reason: "time is up" });
  expect(await call).toMatchObject({ reason: "PROVIDER_STOPPED", fault: "host" });
  expect(await session.running.stopped).toEqual({ how: "asked", reason: "time is up" });
  await drained.catch(() => undefined);
});

test("drain lets streams come to their end, and answers when none is left", async () => {
  const session = await openSession(
    define({
      implementation: {
        async *follow({ name }, call) {
          yield { text: name };
          await new Promise((resolve) => call.draining.addEventListener("abort", resolve));
          yield { text: "goodbye" };
        },
      },
    }),
  );
  await session.session.start({});
  const texts: string[] = [];
  const reading = createGate();
  const stream = (async () => {
    for await (const { text } of clientOf(session).follow({ name: "hello" })) {
      texts.push(text);
      reading.open();
    }
  })();
  await reading.opened;
  await session.session.drain({ reason: "a new version" });
  expect(texts).toEqual(["hello", "goodbye"]);
  await stream;
  // Nothing is refused: whoever drains sees to it that no call comes.
  expect((await clientOf(session).read({ name: "late" })).text).toBe("late for web");
  session.running.stop("done");
  await session.running.stopped;
});

describe("health", () => {
  test("is reported when it changes, the newest word last", async () => {
    const session = await openSession(
      definePlugin({
        name: "kv-store",
        version: "1.0.0",
        provides: { notes: provides(NotesService, "1.0.0") },
        start: ({ health }) => ({
          services: {
            notes: {
              ...notes,
              read({ name }) {
                health.degraded("one");
                health.unhealthy("two");
                if (name === "well") health.healthy();
                return {};
              },
            },
          },
        }),
      }),
    );
    await session.session.start({});
    await clientOf(session).read({});
    await expect
      .poll(() => session.host.health)
      .toEqual({ state: HealthState.UNHEALTHY, reason: "two", unavailableDependencies: [] });
    await clientOf(session).read({ name: "well" });
    await expect
      .poll(() => session.host.health)
      .toEqual({ state: HealthState.HEALTHY, reason: "", unavailableDependencies: [] });
    session.running.stop("done");
    await session.running.stopped;
  });

  test("said in start comes with its answer", async () => {
    const session = await openSession(
      define({
        start: ({ health }) => {
          health.degraded("warming up", ["tags"]);
          return undefined;
        },
      }),
    );
    expect(await session.session.start({})).toMatchObject({
      health: HealthState.DEGRADED,
      reason: "warming up",
      unavailableDependencies: ["tags"],
    });
    expect(await session.control.getHealth({})).toMatchObject({
      state: HealthState.DEGRADED,
      reason: "warming up",
    });
    session.running.stop("done");
    await session.running.stopped;
  });
});

test("GetPluginInfo answers from the manifest, and no other identity is taken", async () => {
  const definition = definePlugin({
    name: "kv-store",
    version: "1.4.0",
    provides: { notes: provides(NotesService, "1.2.0") },
    requires: {
      must: requires(TagService, "^1.2"),
      perhaps: optional(TagService, ">=1 <3"),
      lent: capability(TagService, "^1"),
    },
    start: () => ({ services: { notes } }),
  });
  const { host, plugin, running } = await openSession(definition);
  const identity = createServiceClient(PluginIdentity, plugin);
  const service = "notes.v1.TagService";
  expect(await identity.getPluginInfo({})).toMatchObject({
    selfId: "kv-store",
    selfVersion: "1.4.0",
    provides: [{ type: "notes.v1.NotesService", version: "1.2.0", path: "/notes.v1.NotesService/" }],
    requires: [
      { type: service, minVersion: "1.2.0", requiredForStartup: true, watchForChanges: false },
      { type: service, minVersion: "", requiredForStartup: false, watchForChanges: true },
    ],
    metadata: { name: "kv-store", version: "1.4.0" },
  });
  expect((await identity.setRuntimeIdentity({ runtimeId: "other-1" })).acknowledged).toBe(false);
  expect((await identity.setRuntimeIdentity({ runtimeId: host.runtimeId ?? "" })).acknowledged).toBe(true);
  running.stop("done");
  await running.stopped;
});

test("other plugins cannot govern a plugin", async () => {
  const { host, plugin, running } = await openSession(define({}));
  const caller = { kind: "plugin" as const, name: "web", runtimeId: "web-00000000", claims: {} };
  const stranger = createServiceClient(
    PluginSessionService,
    host.calls.deliver(plugin, { caller, behind: undefined, depth: 1 }),
  );
  expect(await failureOf(stranger.start({}))).toMatchObject({
    reason: "NOT_REQUIRED",
    message: 'Only the host of plugin "kv" may call connectplugin.session.v1.PluginSessionService.',
  });
  running.stop("done");
  await running.stopped;
});
