import { failureInfo } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import { afterEach, describe, expect, it } from "vitest";
import { createFakePlugin, type FakePluginOptions } from "./testing/fake-plugin.js";
import { createTestHost, type TestHost, type TestHostOptions } from "./testing/test-host.js";
import { answerText, createTextService } from "./testing/text-service.js";

const A = createTextService("a.v1");
const B = createTextService("b.v1");

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

describe("restart", () => {
  it("lets calls wait, and disturbs nobody else", async () => {
    const runs: string[] = [];
    let release: () => void = () => undefined;
    const test = createHostOf({
      plugins: {
        a: plugin("a", {
          provides: [offer(A)],
          start: async (ctx) => {
            runs.push(ctx.boot.instanceId);
            if (runs.length === 2) {
              await new Promise<void>((resolve) => {
                release = resolve;
              });
            }
          },
        }),
        b: plugin("b", { provides: [offer(B)] }),
      },
    });
    const { host } = test;
    await host.start();
    const client = host.client(A);
    const restarted = host.restart("a");
    await test.until("instance.state", (event) => event.plugin === "a" && event.to === "draining");
    const waiting = client.say({ value: "patience" });
    const stream = (async () => {
      const letters: string[] = [];
      for await (const { value } of client.watch({ value: "xy" })) letters.push(value);
      return letters;
    })();
    const late = failureOf(client.say({ value: "late" }, { timeoutMs: 20 }));
    expect((await host.client(B).say({ value: "meanwhile" })).value).toBe("you said meanwhile");
    expect(await late).toEqual({
      code: 4,
      reason: "DEADLINE_EXCEEDED",
      message: "no plugin that provides a.v1.TextService became ready before the deadline of the call of Say",
    });
    expect(host.status().plugins[0]?.status).toBe("restarting");
    await test.until("instance.state", (event) => event.instanceId === runs[1] && event.to === "starting");
    release();
    await restarted;
    expect((await waiting).value).toBe("you said patience");
    expect(await stream).toEqual(["x", "y"]);
    expect(new Set(runs).size).toBe(2);
    expect(host.status().plugins.map(({ restarts }) => restarts)).toEqual([1, 0]);
  });

  it("lets a call in flight finish first", async () => {
    let finish: () => void = () => undefined;
    const test = createHostOf({
      plugins: {
        a: plugin("a", {
          provides: [
            offer(A, {
              ...answerText,
              say: async () => {
                await new Promise<void>((resolve) => {
                  finish = resolve;
                });
                return { value: "finished" };
              },
            }),
          ],
        }),
      },
    });
    await test.host.start();
    const inFlight = test.host.client(A).say({});
    const restarted = test.host.restart("a");
    await test.until("instance.state", (event) => event.to === "draining");
    finish();
    expect((await inFlight).value).toBe("finished");
    await restarted;
  });

  it("twice at once, launches one new instance", async () => {
    const test = createHostOf({ plugins: { a: plugin("a", { provides: [offer(A)] }) } });
    await test.host.start();
    await Promise.all([test.host.restart("a"), test.host.restart("a")]);
    expect(test.host.status().plugins[0]).toMatchObject({ status: "running", restarts: 1 });
  });

  it("brings back what failed", async () => {
    let tries = 0;
    const test = createHostOf({
      plugins: { a: plugin("a", { provides: [offer(A)] }) },
    });
    await test.host.start();
    const crashing = createHostOf({
      plugins: {
        a: plugin("a", {
          provides: [offer(A)],
          start: (ctx) => {
            tries++;
            if (tries === 1) setTimeout(() => ctx.crash(), 5);
          },
        }),
      },
    });
    await crashing.host.start();
    const { failure } = await crashing.until("instance.failed");
    expect(failure).toMatchObject({
      message:
        'plugin "a" ended while it was running; see its last output for why, and start it again with restart',
      info: { reason: "PROVIDER_GONE", fault: "plugin" },
    });
    expect(crashing.host.status().plugins[0]?.status).toBe("failed");
    expect(await failureOf(crashing.host.client(A).say({}))).toMatchObject({ reason: "NO_PROVIDER" });
    await crashing.host.restart("a");
    expect((await crashing.host.client(A).say({ value: "back" })).value).toBe("you said back");
  });

  it("says why the plugin does not come back", async () => {
    let runs = 0;
    const test = createHostOf({
      plugins: {
        a: plugin("a", {
          start: () => {
            runs++;
            if (runs > 1) throw new ConnectError("the port is taken");
          },
        }),
      },
    });
    await test.host.start();
    expect(await failureOf(test.host.restart("a"))).toMatchObject({ message: "the port is taken" });
    expect(await failureOf(test.host.restart("nobody"))).toEqual({
      code: 5,
      reason: "UNKNOWN_PLUGIN",
      message: 'there is no plugin "nobody"; this host has a',
    });
  });
});

describe("stop", () => {
  it("stops dependants first", async () => {
    const stopped: string[] = [];
    const { host } = createHostOf({
      plugins: {
        base: plugin("base", { provides: [offer(A)], stop: () => void stopped.push("base") }),
        app: plugin("app", {
          requires: [{ desc: A }],
          stop: async (ctx) => {
            // What it needs is still there.
            expect((await ctx.client(A).say({ value: "bye" })).value).toBe("you said bye");
            stopped.push("app");
          },
        }),
      },
    });
    await host.start();
    expect(await host.stop()).toEqual({ leaked: [] });
    expect(stopped).toEqual(["app", "base"]);
    expect(await failureOf(host.client(A).say({}))).toMatchObject({ code: 14 });
    expect(await failureOf(host.restart("base"))).toMatchObject({ reason: "HOST_STOPPING" });
  });

  it("ends within its time what does not end by itself", async () => {
    const test = createHostOf({
      plugins: { a: plugin("a", { stop: () => new Promise(() => undefined) }) },
      deadlines: { terminateMs: 20, killMs: 200 },
    });
    await test.host.start();
    const report = await test.host.stop({ graceMs: 20 });
    expect(report).toEqual({ leaked: [] });
    expect(test.host.status().state).toBe("stopped");
  });

  it("during start, ends the start", async () => {
    const test = createHostOf({
      plugins: { a: plugin("a", { start: () => new Promise(() => undefined) }) },
      deadlines: { terminateMs: 20 },
    });
    const starting = failureOf(test.host.start());
    await test.until("instance.state", (event) => event.to === "starting");
    await test.host.stop({ graceMs: 50 });
    expect(await starting).toMatchObject({ reason: "HOST_STOPPING" });
  });

  it("before start, is no trouble", async () => {
    const { host } = createHostOf({ plugins: { a: plugin("a") } });
    expect(await host.stop()).toEqual({ leaked: [] });
    expect(await host.stop()).toEqual({ leaked: [] });
  });
});
