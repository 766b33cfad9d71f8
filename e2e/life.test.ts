// The life of hosts and plugins, with real workers and processes.
import { setImmediate as nextTurn } from "node:timers/promises";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { HostEvent } from "@connect-plugin/host";
import { describe, expect, it } from "vitest";
import type { Sight } from "./fixtures/observer.plugin.js";
import { HazardService, Misbehaviour } from "./gen/probe/v1/hazard_pb.js";
import { LeftService, RightService } from "./gen/probe/v1/order_pb.js";
import { type CountRequestSchema, ProbeService, type SumRequestSchema } from "./gen/probe/v1/probe_pb.js";
import { failureOf } from "./support/failure-of.js";
import { DISTANCES, fixture, launchAt } from "./support/launch-at.js";
import { makeHost } from "./support/make-host.js";
import { createMessageSource } from "./support/message-source.js";
import { bePatient } from "./support/patience.js";
import { childrenOf, isRunning } from "./support/process-table.js";
import { runNode } from "./support/run-program.js";
import { until } from "./support/until.js";

bePatient();

const ownChildren = () => childrenOf(process.pid);

describe("the start", () => {
  it.each([
    ["child-process", "worker", "in-process"],
    ["in-process", "child-process", "worker"],
    ["worker", "in-process", "child-process"],
  ] as const)("goes in the order of what plugins require (%s, %s, %s)", async (top, middle, base) => {
    const { host, events, eventsOf } = makeHost({
      // Declared in the order in which they cannot start.
      plugins: {
        top: { launch: launchAt(top, "top.plugin") },
        middle: { launch: launchAt(middle, "middle.plugin") },
        base: { launch: launchAt(base, "base.plugin") },
      },
    });
    const report = await host.start();
    expect(report.ready).toBe(true);
    expect(report.plugins.map(({ name, status }) => `${name} ${status}`)).toEqual([
      "top running",
      "middle running",
      "base running",
    ]);
    expect(eventsOf("instance.ready").map(({ plugin }) => plugin)).toEqual(["base", "middle", "top"]);
    const at = (find: (event: HostEvent) => boolean) => events.findIndex(find);
    const startOf = (plugin: string) =>
      at((event) => event.type === "instance.state" && event.plugin === plugin && event.to === "starting");
    const readyOf = (plugin: string) =>
      at((event) => event.type === "instance.ready" && event.plugin === plugin);
    expect(startOf("middle")).toBeGreaterThan(readyOf("base"));
    expect(startOf("top")).toBeGreaterThan(readyOf("middle"));
    // What it called while it started was there.
    await until("the line of top has come", () =>
      eventsOf("plugin.log").some(
        ({ plugin, fields }) => plugin === "top" && fields.answer === "middle of base",
      ),
    );

    expect(await host.stop()).toEqual({ leaked: [] });
    expect(eventsOf("instance.gone").map(({ plugin }) => plugin)).toEqual(["top", "middle", "base"]);
  });

  it("goes on without a plugin that is not essential, and says so", async () => {
    const { host } = makeHost({
      plugins: {
        base: { launch: launchAt("in-process", "base.plugin") },
        unlucky: { launch: launchAt("worker", "broken/throws-in-start.plugin"), essential: false },
      },
    });
    const report = await host.start();
    expect(report.ready).toBe(true);
    const unlucky = report.plugins.find(({ name }) => name === "unlucky");
    expect(unlucky).toMatchObject({
      status: "failed",
      failure: { info: { reason: "START_FAILED", fault: "plugin" } },
    });
    expect(unlucky?.failure?.message).toContain("no database at localhost:5432");
  });

  it("is refused before the host was started, and after it has stopped", async () => {
    const { host } = makeHost({ plugins: { base: { launch: launchAt("in-process", "base.plugin") } } });
    const client = host.client(RightService);
    const early = await failureOf(client.askRight({}));
    expect(early).toMatchObject({
      code: "FailedPrecondition",
      reason: "HOST_NOT_RUNNING",
      fault: "operator",
    });
    expect(early.message).toContain("await host.start() first");
    await host.start();
    expect(await client.askRight({})).toMatchObject({ answer: "base" });
    await expect(host.start()).rejects.toThrow(TypeError);
    await host.stop();
    const late = await failureOf(host.start());
    expect(late).toMatchObject({ code: "Unavailable", reason: "HOST_STOPPING" });
    expect(late.message).toContain("make another one");
    const gone = await failureOf(client.askRight({}, { timeoutMs: 5_000 }));
    expect(gone).toMatchObject({ code: "Unavailable" });
    expect(gone.reason).not.toBe("DEADLINE_EXCEEDED");
  });
});

describe.each(DISTANCES)("a restart (%s)", (distance) => {
  it("costs no call that begins meanwhile, of the host or of a plugin", async () => {
    const { host, status } = makeHost({
      plugins: {
        target: { launch: launchAt(distance, "probe.plugin") },
        caller: { launch: launchAt("worker", "probe.plugin") },
      },
    });
    await host.start();
    const target = host.client(ProbeService, { plugin: "target" });
    const caller = host.client(ProbeService, { plugin: "caller" });
    const seen = new Set<string>();
    let calls = 0;
    let done = false;
    const failures: unknown[] = [];
    async function load(call: () => Promise<{ runtimeId: string }>) {
      while (!done) {
        try {
          seen.add((await call()).runtimeId);
          calls++;
        } catch (error) {
          failures.push(error);
        }
        // Calls within one process need no turn of the loop, but all else here does.
        await nextTurn();
      }
    }
    const loads = [0, 1, 2, 3].flatMap(() => [
      load(() => target.echo({ text: "direct" })),
      load(() => caller.echo({ path: ["target"], text: "through a plugin" })),
    ]);
    for (let round = 1; round <= 3; round++) {
      await until("calls go through", () => seen.size === round);
      await host.restart("target");
      expect(status("target")).toMatchObject({ status: "running", restarts: round });
    }
    await until("calls reach the newest instance", () => seen.size === 4);
    const before = calls;
    await until("calls go on", () => calls > before + 100);
    done = true;
    await Promise.all(loads);
    expect(failures).toEqual([]);
  });

  it("lets calls in flight end, and tells those that do not", async () => {
    const { host, status } = makeHost({
      plugins: { target: { launch: launchAt(distance, "probe.plugin") } },
      deadlines: { drainMs: 3_000 },
    });
    await host.start();
    const client = host.client(ProbeService);
    const { runtimeId } = await client.echo({});
    const numbers = createMessageSource<MessageInitShape<typeof SumRequestSchema>>();
    numbers.send({ tag: "finite", number: 40n });
    const finite = client.sum(numbers);
    const endless = failureOf(client.wait({ tag: "endless" }));
    const readAll = async (request: MessageInitShape<typeof CountRequestSchema>) => {
      for await (const _ of client.count(request)) await nextTurn();
    };
    const polite = readAll({ tag: "polite", untilDraining: true, payloadBytes: 1_000 });
    const rude = failureOf(readAll({ tag: "rude", payloadBytes: 1_000 }));
    const begun = async (tag: string) => (await client.witness({ tag })).began === 1;
    for (const tag of ["finite", "endless", "polite", "rude"]) {
      await until(`${tag} is at work`, () => begun(tag));
    }
    const restarted = host.restart("target");
    await until("it is draining", () => status("target").state === "draining");
    numbers.send({ number: 2n });
    numbers.end();
    expect(await finite).toMatchObject({ sum: 42n, messages: 2 });
    await polite;
    for (const failure of [await endless, await rude]) {
      expect(failure).toMatchObject({ code: "Unavailable", reason: "PROVIDER_STOPPED", fault: "host" });
      expect(failure.message).toMatch(/plugin "target"/i);
    }
    await restarted;
    expect((await client.echo({})).runtimeId).not.toBe(runtimeId);
  });
});

describe("a plugin that dies", () => {
  it("fails the call that it was at work on, and no other", async () => {
    const { host, status } = makeHost({
      plugins: {
        hazard: { launch: launchAt("child-process", "hazard.plugin") },
        probe: { launch: launchAt("child-process", "probe.plugin") },
      },
    });
    await host.start();
    const hazard = host.client(HazardService);
    const other = host.client(ProbeService).wait({ milliseconds: 300 });
    const failure = await failureOf(hazard.misbehave({ how: Misbehaviour.EXIT }));
    expect(failure).toMatchObject({ code: "Unavailable", reason: "PROVIDER_GONE", fault: "plugin" });
    expect(failure.message).toContain('plugin "hazard" was lost during the call');
    expect(failure.facts.plugin).toBe("hazard");
    expect(await other).toMatchObject({});
    await until("the host has seen its end", () => status("hazard").status === "failed");
    expect(status("hazard").failure?.message).toContain("ended with code 3");

    const later = await failureOf(hazard.misbehave({}));
    expect(later).toMatchObject({ code: "Unavailable", reason: "NO_PROVIDER" });
    await host.restart("hazard");
    expect((await hazard.misbehave({})).pid).toBe(status("hazard").pid);
  });

  it("is told apart from one that writes garbage into its pipe", async () => {
    const { host, status } = makeHost({
      plugins: { hazard: { launch: launchAt("child-process", "hazard.plugin") } },
    });
    await host.start();
    const failure = await failureOf(host.client(HazardService).misbehave({ how: Misbehaviour.GARBAGE }));
    expect(failure).toMatchObject({ code: "Unavailable", reason: "PROVIDER_GONE", fault: "plugin" });
    expect(failure.facts.cause).toBe("LANE_PROTOCOL");
    const { pid } = status("hazard");
    await until("the host has given it up", () => status("hazard").status === "failed");
    const why = status("hazard").failure;
    expect(why?.info).toMatchObject({ reason: "LANE_PROTOCOL", fault: "plugin" });
    expect(pid).toBeDefined();
    await until("its process is gone", () => pid !== undefined && !isRunning(pid));
  });
});

describe("the end", () => {
  it("leaves nothing of plugins at any distance", async () => {
    const before = ownChildren();
    const { host, eventsOf, status } = makeHost({
      plugins: {
        here: { launch: launchAt("in-process", "probe.plugin") },
        thread: { launch: launchAt("worker", "probe.plugin") },
        child: { launch: launchAt("child-process", "probe.plugin") },
      },
    });
    await host.start();
    const { pid } = status("child");
    expect(pid !== undefined && isRunning(pid)).toBe(true);
    const child = host.client(ProbeService, { plugin: "child" });
    const open = failureOf(child.wait({ tag: "open" }, { timeoutMs: 0 }));
    await until("it is at work", async () => (await child.witness({ tag: "open" })).began === 1);
    expect(await host.stop({ graceMs: 1_000 })).toEqual({ leaked: [] });
    expect(await open).toMatchObject({ code: "Unavailable", reason: "PROVIDER_STOPPED" });
    expect(eventsOf("instance.gone")).toHaveLength(3);
    expect(eventsOf("host.stopped")).toMatchObject([{ leaked: [] }]);
    expect(ownChildren()).toEqual(before);
    expect(host.status().plugins.map(({ status: now }) => now)).toEqual(["stopped", "stopped", "stopped"]);
    expect(host.services()).toEqual([]);
    // Once more is the same.
    expect(await host.stop()).toEqual({ leaked: [] });
  });

  const silent = { launching: "broken/never-loads", handshaking: "broken/never-shakes-hands" } as const;
  const hurried = { terminateMs: 1_000, killMs: 3_000 };

  it.each([
    ["launching", "worker"],
    ["launching", "child-process"],
    ["handshaking", "in-process"],
    ["handshaking", "worker"],
    ["handshaking", "child-process"],
  ] as const)("comes while a plugin is %s (%s)", async (state, distance) => {
    const before = ownChildren();
    const { host, status } = makeHost({
      plugins: { slow: { launch: launchAt(distance, silent[state]) } },
      deadlines: hurried,
    });
    const started = failureOf(host.start());
    await until(`it is ${state}`, () => status("slow").state === state);
    expect(await host.stop({ graceMs: 300 })).toEqual({ leaked: [] });
    expect(await started).toMatchObject({ code: "Unavailable", reason: "HOST_STOPPING" });
    expect(ownChildren()).toEqual(before);
  });

  it.each(DISTANCES)("comes while one plugin waits and the other is starting (%s)", async (distance) => {
    const before = ownChildren();
    const { host, status } = makeHost({
      plugins: {
        middle: { launch: launchAt(distance, "middle.plugin") },
        slow: { launch: launchAt(distance, "slow.plugin"), config: { hangIn: "start" } },
      },
      deadlines: hurried,
    });
    const started = failureOf(host.start());
    await until("it is starting", () => status("slow").state === "starting");
    await until("the other waits", () => status("middle").state === "waiting");
    expect(await host.stop({ graceMs: 300 })).toEqual({ leaked: [] });
    expect(await started).toMatchObject({ code: "Unavailable", reason: "HOST_STOPPING" });
    expect(ownChildren()).toEqual(before);
  });

  it.each(DISTANCES)("comes while a plugin is draining (%s)", async (distance) => {
    const before = ownChildren();
    const { host, status } = makeHost({
      plugins: { probe: { launch: launchAt(distance, "probe.plugin") } },
      deadlines: { drainMs: 60_000, ...hurried },
    });
    await host.start();
    const call = failureOf(host.client(ProbeService).wait({ tag: "stuck" }, { timeoutMs: 0 }));
    await until(
      "it is at work",
      async () => (await host.client(ProbeService).witness({ tag: "stuck" })).began === 1,
    );
    const restarted = failureOf(host.restart("probe"));
    await until("it is draining", () => status("probe").state === "draining");
    expect(await host.stop({ graceMs: 300 })).toEqual({ leaked: [] });
    expect(await call).toMatchObject({ code: "Unavailable", reason: "PROVIDER_STOPPED" });
    expect(await restarted).toMatchObject({ code: "Unavailable", reason: "HOST_STOPPING" });
    expect(ownChildren()).toEqual(before);
  });

  it.each(DISTANCES)("comes while a plugin is stopping and does not end (%s)", async (distance) => {
    const before = ownChildren();
    const { host, status } = makeHost({
      plugins: { slow: { launch: launchAt(distance, "slow.plugin"), config: { hangIn: "stop" } } },
      deadlines: { stopMs: 60_000, ...hurried },
    });
    await host.start();
    const restarted = failureOf(host.restart("slow"));
    await until("it is stopping", () => status("slow").state === "stopping");
    expect(await host.stop({ graceMs: 300 })).toEqual({ leaked: [] });
    expect(await restarted).toMatchObject({ code: "Unavailable", reason: "HOST_STOPPING" });
    expect(ownChildren()).toEqual(before);
  });

  it("ends a child that never comes back from a loop", async () => {
    const before = ownChildren();
    const { host, status } = makeHost({
      plugins: {
        hazard: { launch: launchAt("child-process", "hazard.plugin") },
        probe: { launch: launchAt("worker", "probe.plugin") },
      },
      deadlines: { drainMs: 500, stopMs: 500, ...hurried },
    });
    await host.start();
    await host.client(HazardService).misbehave({ how: Misbehaviour.SPIN });
    const { pid } = status("hazard");
    expect(await host.stop({ graceMs: 1_000 })).toEqual({ leaked: [] });
    expect(pid !== undefined && !isRunning(pid)).toBe(true);
    expect(ownChildren()).toEqual(before);
  });

  it.each(["spin", "idle"])("of a host that is killed ends its children too, at once (%s)", async (how) => {
    const program = runNode([fixture("orphan-host").pathname, how]);
    const { host, child } = JSON.parse(await program.nextLine()) as { host: number; child: number };
    expect(host).toBe(program.pid);
    expect(isRunning(child)).toBe(true);
    program.process.kill("SIGKILL");
    expect(await program.ended).toMatchObject({ signal: "SIGKILL" });
    await until("its child is gone", () => !isRunning(child));
  });
});

describe("the logger that is lent", () => {
  it.each(DISTANCES)(
    "binds each line to the plugin's proven name, and ends with the instance (%s)",
    async (distance) => {
      const { host, eventsOf } = makeHost({
        plugins: { writer: { launch: launchAt(distance, "diarist.plugin") } },
      });
      await host.start();
      const lineOf = async (message: string) =>
        await until(`"${message}" has come`, () =>
          eventsOf("plugin.log").find((line) => line.message === message),
        );
      expect(await lineOf("by capability")).toMatchObject({
        plugin: "writer",
        level: "warn",
        fields: { plugin: "somebody-else" },
      });
      expect(await lineOf("by the context")).toMatchObject({
        plugin: "writer",
        level: "info",
        fields: { pages: "3" },
      });

      const issued = eventsOf("grant.issued").filter(({ plugin }) => plugin === "writer");
      expect(issued.length).toBeGreaterThan(0);
      for (const grant of issued) expect(grant.capability).toBe("capability.logger.v1.Logger");
      expect(eventsOf("grant.ended")).toEqual([]);
      await host.restart("writer");
      const ended = () => new Set(eventsOf("grant.ended").map(({ grantId }) => grantId));
      for (const { grantId } of issued) expect(ended().has(grantId)).toBe(true);
      await host.stop();
      for (const { grantId } of eventsOf("grant.issued")) expect(ended().has(grantId)).toBe(true);
    },
  );
});

describe("several providers", () => {
  it("come and go for those who use them all, and for those who can do without", async () => {
    const { host, status } = makeHost({
      plugins: {
        observer: { launch: launchAt("worker", "observer.plugin") },
        base: { launch: launchAt("child-process", "base.plugin") },
        alpha: { launch: launchAt("in-process", "probe.plugin") },
        beta: { launch: launchAt("child-process", "probe.plugin") },
      },
    });
    await host.start();
    const observer = host.client(LeftService);
    const look = async () => JSON.parse((await observer.askLeft({})).answer) as Sight;
    const seen = async (what: string, isSo: (sight: Sight) => boolean) =>
      await until(what, async () => {
        const sight = await look();
        return isSo(sight) && sight;
      });
    const all = ["alpha@1.0.0", "beta@1.0.0"];
    const both = await seen(
      "everybody is there",
      ({ available, probes }) => available && probes.length === 2,
    );
    expect(both).toMatchObject({ answer: "base", probes: all });
    expect([...host.each(ProbeService)].map(({ plugin }) => plugin)).toEqual(["alpha", "beta"]);

    for (const plugin of ["base", "beta"] as const) process.kill(status(plugin).pid ?? 0, "SIGKILL");
    const fewer = await seen("two are gone", ({ available, probes }) => !available && probes.length === 1);
    expect(fewer.probes).toEqual(["alpha@1.0.0"]);
    expect(fewer.answer).toContain("no running plugin provides probe.v1.RightService");
    expect([...host.each(ProbeService)].map(({ plugin }) => plugin)).toEqual(["alpha"]);

    await Promise.all([host.restart("base"), host.restart("beta")]);
    const again = await seen("they are back", ({ available, probes }) => available && probes.length === 2);
    expect(again).toMatchObject({ answer: "base", probes: all });
    expect(again.changes.slice(-2)).toEqual([false, true]);
  });

  it("are never chosen from by chance", async () => {
    const plugins = {
      one: { launch: launchAt("worker", "base.plugin") },
      two: { launch: launchAt("in-process", "base.plugin") },
    };
    const { host } = makeHost({ plugins });
    await host.start();
    const failure = await failureOf(host.client(RightService).askRight({}));
    expect(failure).toMatchObject({
      code: "FailedPrecondition",
      reason: "AMBIGUOUS_PROVIDER",
      fault: "operator",
    });
    expect(failure.message).toContain("probe.v1.RightService is provided by several plugins: one, two");
    expect(failure.message).toContain('choose one with "prefer"');
    expect(await host.client(RightService, { plugin: "two" }).askRight({})).toMatchObject({ answer: "two" });

    const { host: decided } = makeHost({ plugins, prefer: { [RightService.typeName]: "two" } });
    await decided.start();
    for (let call = 0; call < 5; call++) {
      expect(await decided.client(RightService).askRight({})).toMatchObject({ answer: "two" });
    }
    expect(await decided.client(RightService, { plugin: "one" }).askRight({})).toMatchObject({
      answer: "one",
    });
  });

  it("are named to a plugin that requires one of them", async () => {
    const plugins = {
      middle: { launch: launchAt("child-process", "middle.plugin") },
      one: { launch: launchAt("worker", "base.plugin") },
      two: { launch: launchAt("in-process", "base.plugin") },
    };
    const { host } = makeHost({ plugins });
    const failure = await failureOf(host.start());
    expect(failure).toMatchObject({
      code: "FailedPrecondition",
      reason: "AMBIGUOUS_PROVIDER",
      fault: "operator",
    });
    expect(failure.message).toContain('plugin "middle" requires one probe.v1.RightService');
    expect(failure.message).toContain("one and two");

    const { host: decided } = makeHost({ plugins, prefer: { [RightService.typeName]: "one" } });
    await decided.start();
    expect(await decided.client(LeftService).askLeft({})).toMatchObject({ answer: "middle of one" });
  });
});
