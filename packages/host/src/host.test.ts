import { failureInfo } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { createFakePlugin, type FakePluginOptions } from "./testing/fake-plugin.js";
import { createTestHost, type TestHost, type TestHostOptions } from "./testing/test-host.js";
import { answerText, createTextService } from "./testing/text-service.js";

const A = createTextService("a.v1");
const B = createTextService("b.v1");
const C = createTextService("c.v1");

const hosts: TestHost[] = [];

afterEach(async () => {
  for (const host of hosts.splice(0)) await host.host.stop({ graceMs: 500 });
});

function createHostOf(options: TestHostOptions): TestHost {
  const host = createTestHost(options);
  hosts.push(host);
  return host;
}

function plugin(name: string, options: Omit<FakePluginOptions, "name"> = {}) {
  return createFakePlugin({ name: `${name}-package`, ...options });
}

const offer = (desc: ReturnType<typeof createTextService>, implementation: object = answerText) => ({
  desc,
  implementation,
});

async function failureOf(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectError)) throw error;
  return { code: error.code, reason: failureInfo(error)?.reason, message: error.rawMessage };
}

describe("a host", () => {
  it("starts plugins in the order in which they need each other, and calls them", async () => {
    const started: string[] = [];
    const { host } = createHostOf({
      plugins: {
        app: plugin("app", {
          requires: [{ desc: B }],
          provides: [
            offer(C, {
              ...answerText,
              say: async ({ value }: { value: string }) => ({ value: `app ${value}` }),
            }),
          ],
          start: async (ctx) => {
            const answer = await ctx.client(B).say({ value: "hello" });
            started.push(`app after ${answer.value}`);
          },
        }),
        middle: plugin("middle", {
          requires: [{ desc: A }],
          provides: [offer(B)],
          start: () => void started.push("middle"),
        }),
        base: plugin("base", { provides: [offer(A)], start: () => void started.push("base") }),
      },
    });
    const report = await host.start();
    expect(report).toEqual({
      ready: true,
      plugins: [
        { name: "app", status: "running", failure: undefined },
        { name: "middle", status: "running", failure: undefined },
        { name: "base", status: "running", failure: undefined },
      ],
    });
    expect(started).toEqual(["base", "middle", "app after you said hello"]);
    expect((await host.client(C, { plugin: "app" }).say({ value: "x" })).value).toBe("app x");
    expect(host.services().map(({ service, plugin: by }) => [service, by])).toEqual([
      ["a.v1.TextService", "base"],
      ["b.v1.TextService", "middle"],
      ["c.v1.TextService", "app"],
    ]);
  });

  it("carries all four kinds of calls", async () => {
    const { host } = createHostOf({ plugins: { a: plugin("a", { provides: [offer(A)] }) } });
    await host.start();
    const client = host.client(A);
    const letters: string[] = [];
    for await (const { value } of client.watch({ value: "abc" })) letters.push(value);
    expect(letters).toEqual(["a", "b", "c"]);
    async function* words() {
      yield { value: "x" };
      yield { value: "y" };
    }
    expect((await client.join(words())).value).toBe("xy");
    const answers: string[] = [];
    for await (const { value } of client.chat(words())) answers.push(value);
    expect(answers).toEqual(["re: x", "re: y"]);
  });

  it("tells each plugin apart by what it has proven", async () => {
    const { host } = createHostOf({
      plugins: {
        a: plugin("a", {
          provides: [
            offer(A, {
              ...answerText,
              say: (_request: unknown, call: { caller: { kind: string; name: string } }) => ({
                value: `${call.caller.kind} ${call.caller.name}`,
              }),
            }),
          ],
        }),
        b: plugin("b", {
          requires: [{ desc: A }],
          provides: [offer(B)],
          start: async (ctx) => {
            expect((await ctx.client(A).say({})).value).toBe("plugin b");
          },
        }),
      },
    });
    await host.start();
    expect((await host.client(A).say({})).value).toBe("host host");
    expect(host.traffic().map(({ caller, provider, calls }) => [caller, provider, calls])).toContainEqual([
      "b",
      "a",
      1,
    ]);
  });

  it("lists all plugins that provide a service", async () => {
    const { host } = createHostOf({
      plugins: { one: plugin("one", { provides: [offer(A)] }), two: plugin("two", { provides: [offer(A)] }) },
    });
    await host.start();
    const all = host.each(A);
    expect([...all].map(({ plugin: name, version }) => [name, version])).toEqual([
      ["one", "1.0.0"],
      ["two", "1.0.0"],
    ]);
    expect((await all.get("two")?.say({ value: "hi" }))?.value).toBe("you said hi");
    expect(all.get("three")).toBeUndefined();
    expect(await failureOf(host.client(A).say({}))).toMatchObject({ reason: "AMBIGUOUS_PROVIDER" });
    const preferring = createHostOf({
      plugins: { one: plugin("one", { provides: [offer(A)] }), two: plugin("two", { provides: [offer(A)] }) },
      prefer: { [A.typeName]: "two" },
    });
    await preferring.start();
    await preferring.host.client(A).say({});
    expect(preferring.host.traffic().map(({ provider }) => provider)).toEqual(["two"]);
  });

  it("says that it was not started", async () => {
    const { host } = createHostOf({ plugins: { a: plugin("a", { provides: [offer(A)] }) } });
    expect(await failureOf(host.client(A).say({}))).toEqual({
      code: 9,
      reason: "HOST_NOT_RUNNING",
      message: "a.v1.TextService cannot be called: the host has not been started; await host.start() first",
    });
  });

  it("says that it has been stopped", async () => {
    const { host } = createHostOf({ plugins: { a: plugin("a", { provides: [offer(A)] }) } });
    await host.start();
    const client = host.client(A);
    await host.stop();
    expect(await failureOf(client.say({}))).toEqual({
      code: 14,
      reason: "HOST_STOPPING",
      message:
        "a.v1.TextService cannot be called: the host has been stopped; make another one to call plugins again",
    });
  });

  it("starts once", async () => {
    const { host } = createHostOf({ plugins: {} });
    await host.start();
    await expect(host.start()).rejects.toThrow(new TypeError("start: the host was started already"));
    await host.stop();
    expect(await failureOf(host.start())).toMatchObject({
      reason: "HOST_STOPPING",
      message: "the host has been stopped; make another one to start again",
    });
  });

  it("goes on without a plugin that is not essential", async () => {
    const failing = plugin("b", {
      start: () => {
        throw new Error("no disk");
      },
    });
    const { inProcess } = await import("./launcher/in-process.js");
    const { host } = createHostOf({
      plugins: {
        a: plugin("a", { provides: [offer(A)] }),
        b: { launch: inProcess(failing), essential: false },
      },
    });
    const report = await host.start();
    expect(report.ready).toBe(true);
    expect(report.plugins[1]).toMatchObject({ name: "b", status: "failed" });
    expect((await host.client(A).say({ value: "x" })).value).toBe("you said x");
  });
});

describe("a host that cannot start", () => {
  it("names every essential plugin that failed, and stops the others", async () => {
    const test = createHostOf({
      plugins: {
        a: plugin("a", { provides: [offer(A)], stop: () => undefined }),
        b: plugin("b", { requires: [{ desc: B }] }),
        c: plugin("c", { requires: [{ desc: A, range: "^2.0.0" }] }),
      },
    });
    expect(await failureOf(test.host.start())).toEqual({
      code: 9,
      reason: "DEPENDENCY_MISSING",
      message:
        "the host cannot start, because 2 essential plugins failed:\n" +
        '  b: plugin "b" requires b.v1.TextService ^1.0.0; no plugin provides it; add one that does to the host\'s plugins, or make it optional() in b\n' +
        '  c: plugin "c" requires a.v1.TextService ^2.0.0; there is 1.0.0 of a; use a version of the provider in that range, or widen the range\n' +
        "Correct that, or declare the plugin with essential: false to start without it.",
    });
    expect(test.host.status()).toMatchObject({ state: "stopped", plugins: [{ status: "stopped" }, {}, {}] });
    expect(test.host.services()).toEqual([]);
  });

  it("names circles", async () => {
    const { host } = createHostOf({
      plugins: {
        a: plugin("a", { provides: [offer(A)], requires: [{ desc: B }] }),
        b: plugin("b", { provides: [offer(B)], requires: [{ desc: A }] }),
      },
    });
    const { reason, message } = await failureOf(host.start());
    expect(reason).toBe("DEPENDENCY_CYCLE");
    expect(message).toContain(
      "plugins require each other in a circle, so none can start first: a → (b.v1.TextService) → b → (a.v1.TextService) → a;",
    );
  });

  it("says what failed because of what", async () => {
    const { host } = createHostOf({
      plugins: {
        app: plugin("app", { requires: [{ desc: A }] }),
        a: plugin("a", {
          provides: [offer(A)],
          start: () => {
            throw new ConnectError("the disk is full");
          },
        }),
      },
    });
    const { message } = await failureOf(host.start());
    expect(message).toContain(
      '  app: plugin "app" requires a.v1.TextService of plugin "a", which is not running: the disk is full',
    );
  });
});

describe("an instance", () => {
  it("may call nothing before its handshake", async () => {
    let early: Promise<unknown> | undefined;
    const { host } = createHostOf({
      plugins: {
        a: plugin("a", { provides: [offer(A)] }),
        b: {
          launch: {
            distance: "in-process",
            describe: "hasty",
            async launch(request) {
              const { createServiceClient } = await import("@connect-plugin/rpc");
              early = failureOf(createServiceClient(A, request.handler).say({}));
              await early;
              throw new ConnectError("never mind");
            },
          },
          essential: false,
        },
      },
    });
    await host.start();
    expect(await early).toEqual({
      code: 16,
      reason: "HANDSHAKE_REQUIRED",
      message: 'plugin "b" called a.v1.TextService before its handshake; shake hands first',
    });
  });

  it("keeps its identity when it shakes hands again", async () => {
    let ids: readonly string[] = [];
    const { host } = createHostOf({
      plugins: {
        a: plugin("a", {
          start: async (ctx) => {
            const again = await ctx.shakeHands();
            const more = await ctx.shakeHands();
            ids = [again.runtimeId, more.runtimeId];
          },
        }),
      },
    });
    await host.start();
    expect(ids[0]).toMatch(/^a-[0-9a-f]{16}$/);
    expect(new Set([...ids, host.status().plugins[0]?.runtimeId]).size).toBe(1);
  });

  it("is refused, and ended, when it claims more than it showed", async () => {
    const test = createHostOf({
      plugins: {
        a: plugin("a", { beforeSigning: (request) => (request.selfVersion = "9.0.0") }),
      },
    });
    expect(await failureOf(test.host.start())).toMatchObject({ reason: "CLAIMS_EXCEED_SPEC", code: 7 });
    expect(test.events.filter(({ type }) => type === "handshake.refused")).toHaveLength(1);
  });

  it("that never shakes hands is given up", async () => {
    const test = createHostOf({
      plugins: { a: plugin("a", { afterSigning: () => undefined }) },
      deadlines: { handshakeMs: 20, terminateMs: 20, killMs: 500 },
    });
    expect(await failureOf(test.host.start())).toMatchObject({
      reason: "LAUNCH_TIMEOUT",
      message: expect.stringContaining('plugin "a" was loaded but did not shake hands within 20 ms'),
    });
  });

  it("gets no calls while it says that it is unhealthy", async () => {
    let report: (state: "healthy" | "unhealthy") => Promise<void> = async () => undefined;
    const test = createHostOf({
      plugins: {
        a: plugin("a", {
          provides: [offer(A)],
          start: (ctx) => {
            report = (state) => ctx.reportHealth(state, "the disk");
          },
        }),
      },
    });
    await test.host.start();
    await report("unhealthy");
    expect(test.host.status().plugins[0]).toMatchObject({ state: "degraded", health: "unhealthy" });
    expect(await failureOf(test.host.client(A).say({}))).toMatchObject({ reason: "PROVIDER_UNHEALTHY" });
    await report("healthy");
    expect((await test.host.client(A).say({ value: "x" })).value).toBe("you said x");
  });
});

describe("options", () => {
  it.each<[unknown, string]>([
    [
      { plugins: { A: {} } },
      'plugins: a plugin name must be lower-case letters and digits with single hyphens between them, beginning with a letter, but is "A"',
    ],
    [
      { plugins: { a: {} } },
      "plugins.a.launch: wanted inProcess(), worker() or childProcess(), got undefined",
    ],
    [{ plugins: {}, plugin: {} }, /^plugin: there is no such option, but plugins, name,/],
    [undefined, "createHost: wanted options, got undefined"],
    [{}, "plugins: wanted an object of plugins by name, got undefined"],
    [{ plugins: { a: undefined } }, "plugins.a: wanted { launch, … }, got undefined"],
    [
      { plugins: { a: { launch: { launch() {} }, expect: { version: "one" } } } },
      'plugins.a.expect.version: wanted a semver range, got the text "one"',
    ],
    [
      { plugins: { a: { launch: { launch() {} } } }, select: { a: "fastest" } },
      'select.a: wanted one of first, round-robin, random, weighted, least-loaded, got the text "fastest"',
    ],
    [{ plugins: {}, output: "file" }, 'output: wanted "stderr" or "events", got the text "file"'],
    [{ plugins: {}, prefer: { x: "kv" } }, 'prefer: there is no plugin "kv", but none'],
    [{ plugins: {}, deadlines: { start: 1 } }, /^deadlines\.start: there is no such deadline, but launchMs,/],
  ] as [unknown, string][])("%# are checked", async (options, message) => {
    const { createHost } = await import("./host.js");
    const make = () => createHost(options as Parameters<typeof createHost>[0]);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it("that bound something are checked", async () => {
    const { createHost } = await import("./host.js");
    expect(() => createHost({ plugins: {}, limits: { heldCalls: -1 } })).toThrow(
      new RangeError("limits.heldCalls: wanted a whole number from 0, got -1"),
    );
    expect(() => createHost({ plugins: {}, limits: { messageBytes: 0 } })).toThrow(
      new RangeError("limits.messageBytes: wanted a whole number from 1, got 0"),
    );
    expect(() => createHost({ plugins: {}, limits: { heldBytes: 0.5 } })).toThrow(
      new RangeError("limits.heldBytes: wanted a whole number from 0, got 0.5"),
    );
    expect(() => createHost({ plugins: {} }).each(A, { range: "one" })).toThrow(
      new TypeError('each: range must be a semver range such as ^1.2.0, but is the text "one"'),
    );
  });

  it("of time are checked", async () => {
    const { createHost } = await import("./host.js");
    expect(() => createHost({ plugins: {}, deadlines: { startMs: 0 } })).toThrow(
      new RangeError("deadlines.startMs: wanted milliseconds above 0 and up to 2147483647, got 0"),
    );
  });
});
