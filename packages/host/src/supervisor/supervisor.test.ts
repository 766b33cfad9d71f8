import { type ConnectionEnd, createFailure, type Manifest } from "@connect-plugin/protocol";
import { failureInfo, toConnectError } from "@connect-plugin/rpc";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { HealthReport, HostEvent, InstanceExit } from "../event.js";
import type { Launched, LaunchRequest } from "../launcher/launcher.js";
import type { HostSession, SessionRequest } from "../session/host-session.js";
import { createFakeClock } from "../testing/fake-clock.js";
import { checkDeadlines } from "./deadlines.js";
import type { SupervisedPlugin } from "./supervised-plugin.js";
import { createSupervisor } from "./supervisor.js";

const well: HealthReport = { state: "healthy", reason: "", unavailableDependencies: [] };
const lost = createFailure("CONNECTION_LOST", "the pipe ended");

interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((take, refuse) => {
    resolve = take;
    reject = refuse;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

/** One run of a plugin as its test steers it: nothing happens to it by itself. */
class Puppet {
  readonly launch = deferred<Launched>();
  readonly exit = deferred<InstanceExit>();
  readonly closed = deferred<ConnectionEnd>();
  readonly starting = deferred<HealthReport>();
  readonly draining = deferred<void>();
  readonly hearing = deferred<void>();
  readonly asked: string[] = [];
  readonly session: SessionRequest;
  readonly manifest: Manifest;
  /** Where the carrier is. */
  carrier: "absent" | "alive" | "gone" = "absent";
  connected = false;
  ended = 0;

  constructor(session: SessionRequest, manifest: Manifest) {
    this.session = session;
    this.manifest = manifest;
  }

  load(): void {
    if (this.carrier !== "absent") return;
    this.carrier = "alive";
    this.connected = true;
    this.launch.resolve({
      manifest: this.manifest,
      connection: {
        closed: this.closed.promise,
        close: (failure) => this.disconnect(failure),
        start: () => {
          throw new Error("nobody calls puppets");
        },
      },
      pid: undefined,
      exited: this.exit.promise,
      terminate: () => void this.asked.push("terminate"),
      kill: async () => void this.asked.push("kill"),
      trouble: undefined,
    });
  }

  refuseToLoad(error: unknown = toConnectError(createFailure("IMPORT_FAILED", "it throws"))): void {
    if (this.carrier !== "absent") return;
    this.carrier = "gone";
    this.launch.reject(error);
  }

  shakeHands(): void {
    if (this.connected) this.session.on.accepted(`${this.session.plugin}-0123456789abcdef`);
  }

  disconnect(failure = lost): void {
    if (!this.connected) return;
    this.connected = false;
    this.closed.resolve({ how: "lost", failure });
  }

  die(): void {
    if (this.carrier !== "alive") return;
    this.disconnect();
    this.carrier = "gone";
    this.exit.resolve({ kind: "process", code: 1, signal: null });
  }
}

function manifestOf(plugin: string, requires: readonly string[]): Manifest {
  return {
    name: plugin,
    version: "1.0.0",
    provides: [{ key: "own", service: `${plugin}.v1.Service`, version: "1.0.0", methods: [] }],
    requires: requires.map((other) => ({
      key: other,
      service: `${other}.v1.Service`,
      range: "^1.0.0",
      arity: "one",
      methods: [],
    })),
    instances: "many",
    sdk: { name: "puppet", version: "1.0.0" },
  };
}

function createTheatre(needs: Readonly<Record<string, readonly string[]>>) {
  const clock = createFakeClock();
  const puppets: Puppet[] = [];
  const registered = new Map<string, string>();
  const events: HostEvent[] = [];
  const errors: unknown[] = [];
  const manifests = new Map(Object.entries(needs).map(([name, others]) => [name, manifestOf(name, others)]));

  function openSession(request: SessionRequest): HostSession {
    const puppet = new Puppet(request, manifests.get(request.plugin)!);
    puppets.push(puppet);
    return {
      boot: {
        plugin: request.plugin,
        instanceId: request.instanceId,
        distance: "in-process",
        config: undefined,
        credential: { id: "", secret: "" },
      },
      handler: { start: () => ({ message() {}, end() {}, cancel() {}, credit() {} }) },
      runtimeId: `${request.plugin}-0123456789abcdef`,
      attach: () => undefined,
      start: () => {
        puppet.asked.push("start");
        return puppet.starting.promise;
      },
      drain: () => {
        puppet.asked.push("drain");
        return puppet.draining.promise;
      },
      shutDown: () => {
        puppet.asked.push("shut down");
        return puppet.hearing.promise;
      },
      health: async () => well,
      end: () => void puppet.ended++,
    };
  }

  const puppetOf = (instanceId: string) => puppets.find(({ session }) => session.instanceId === instanceId);
  const spec: SupervisedPlugin = {
    launcher: {
      distance: "in-process",
      describe: "puppet",
      launch: async ({ boot, signal }: LaunchRequest) => {
        const puppet = puppetOf(boot.instanceId)!;
        signal.addEventListener("abort", () => puppet.asked.push("abandon"));
        return puppet.launch.promise;
      },
    },
    config: undefined,
    essential: true,
    expect: { services: undefined, version: undefined },
  };
  const listeners: ((event: HostEvent) => void)[] = [];
  const supervisor = createSupervisor({
    plugins: new Map([...manifests.keys()].map((name) => [name, spec])),
    prefer: {},
    surroundings: {
      openSession,
      roster: {
        register: (records) => {
          const { instanceId, plugin } = records[0]!;
          registered.set(instanceId, plugin);
        },
        unregister: (instanceId) => void registered.delete(instanceId),
        health: () => undefined,
      },
      deadlines: checkDeadlines(),
      clock,
      emit(event) {
        events.push(event);
        for (const listener of listeners) listener(event);
      },
    },
    instanceId: (plugin, launch) => `${plugin}.${launch}`,
    onChange: () => undefined,
    onError: (error) => void errors.push(error),
  });
  const theatre = {
    clock,
    supervisor,
    puppets,
    registered,
    events,
    listeners,
    errors,
    /** The latest run of a plugin. */
    of: (plugin: string) => puppets.filter(({ session }) => session.plugin === plugin).at(-1)!,
    stateOf: (plugin: string) => supervisor.plugin(plugin)?.state.instance?.state.name,
    statusOf: (plugin: string) => supervisor.plugin(plugin)?.status,
    async raise(plugin: string) {
      const puppet = theatre.of(plugin);
      puppet.load();
      await settle();
      puppet.shakeHands();
      await settle();
      puppet.starting.resolve(well);
      await settle();
    },
  };
  return theatre;
}

/** Lets everything happen that is only waiting for its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

const failureOf = async (promise: Promise<unknown>) =>
  failureInfo(
    await promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
  )?.reason;

describe("a supervisor", () => {
  it("launches all at once and starts each when what it requires is ready", async () => {
    const stage = createTheatre({ app: ["mid"], mid: ["base"], base: [] });
    const report = stage.supervisor.start();
    expect(stage.puppets.map(({ session }) => session.plugin)).toEqual(["app", "mid", "base"]);
    for (const plugin of ["app", "mid"]) {
      stage.of(plugin).load();
      await settle();
      stage.of(plugin).shakeHands();
      await settle();
    }
    expect([stage.stateOf("app"), stage.stateOf("mid")]).toEqual(["waiting", "waiting"]);
    await stage.raise("base");
    expect([stage.stateOf("app"), stage.stateOf("mid")]).toEqual(["waiting", "starting"]);
    stage.of("mid").starting.resolve(well);
    await settle();
    expect(stage.stateOf("app")).toBe("starting");
    stage.of("app").starting.resolve(well);
    expect(await report).toMatchObject([{ status: "running" }, { status: "running" }, { status: "running" }]);
    expect(stage.clock.timers).toBe(0);
  });

  it("waits for who has not shown what it provides", async () => {
    const stage = createTheatre({ app: ["base"], base: [], other: [] });
    void stage.supervisor.start();
    await stage.raise("base");
    stage.of("app").load();
    await settle();
    stage.of("app").shakeHands();
    await settle();
    expect(stage.stateOf("app")).toBe("waiting");
    stage.of("other").refuseToLoad();
    await settle();
    expect(stage.stateOf("app")).toBe("starting");
  });

  it("keeps dependants running while what they need restarts", async () => {
    const stage = createTheatre({ app: ["base"], base: [] });
    void stage.supervisor.start();
    stage.of("app").load();
    await settle();
    stage.of("app").shakeHands();
    await stage.raise("base");
    stage.of("app").starting.resolve(well);
    await settle();
    const restarted = stage.supervisor.restart("base", "again");
    stage.of("base").draining.resolve();
    await settle();
    expect(stage.supervisor.mayCome({ service: "base.v1.Service", plugin: undefined, caller: "app" })).toBe(
      true,
    );
    expect(stage.supervisor.mayCome({ service: "base.v1.Service", plugin: "app", caller: undefined })).toBe(
      false,
    );
    stage.of("base").die();
    await settle();
    await stage.raise("base");
    await restarted;
    expect([stage.statusOf("app"), stage.statusOf("base")]).toEqual(["running", "running"]);
    expect(stage.supervisor.anyComing).toBe(false);
  });

  it("does not let a plugin wait for one that waits for it", async () => {
    const stage = createTheatre({ app: ["base"], base: [] });
    void stage.supervisor.start();
    for (const plugin of ["app", "base"]) {
      stage.of(plugin).load();
      await settle();
      stage.of(plugin).shakeHands();
      await settle();
    }
    expect(stage.stateOf("base")).toBe("starting");
    const wanted = { service: "app.v1.Service", plugin: undefined };
    expect(stage.supervisor.mayCome({ ...wanted, caller: "base" })).toBe(false);
    expect(stage.supervisor.mayCome({ ...wanted, caller: undefined })).toBe(true);
  });

  it("stops dependants before what they need, and hurries when time is up", async () => {
    const stage = createTheatre({ app: ["base"], base: [], lone: [] });
    void stage.supervisor.start();
    stage.of("app").load();
    await settle();
    stage.of("app").shakeHands();
    await settle();
    await stage.raise("lone");
    await stage.raise("base");
    stage.of("app").starting.resolve(well);
    await settle();
    const stopped = stage.supervisor.stop("enough", 1_000);
    await settle();
    expect(["app", "base", "lone"].map(stage.stateOf)).toEqual(["draining", "ready", "draining"]);
    expect(await failureOf(stage.supervisor.restart("base", "again"))).toBe("HOST_STOPPING");
    stage.of("app").draining.resolve();
    stage.of("app").die();
    await settle();
    expect(stage.stateOf("base")).toBe("draining");
    stage.clock.advance(1_000);
    expect(stage.of("base").asked.at(-1)).toBe("terminate");
    stage.clock.advance(2_000);
    expect(stage.of("base").asked.at(-1)).toBe("kill");
    stage.of("lone").die();
    await settle();
    stage.clock.advance(2_000);
    expect(await stopped).toEqual(["base: enough; its carrier would not end and was left behind"]);
    expect(stage.clock.timers).toBe(0);
  });

  it("ends a carrier that comes after it was given up", async () => {
    const stage = createTheatre({ app: [] });
    void stage.supervisor.start();
    stage.clock.advance(10_000);
    expect(stage.of("app").asked).toEqual(["abandon"]);
    stage.clock.advance(2_000);
    expect(stage.stateOf("app")).toBe("gone");
    stage.of("app").load();
    await settle();
    expect(stage.of("app").asked).toEqual(["abandon", "kill"]);
    expect(stage.of("app").connected).toBe(false);
  });

  it("says what a launcher threw that is no failure", async () => {
    const stage = createTheatre({ app: [] });
    const report = stage.supervisor.start();
    stage.of("app").refuseToLoad(new RangeError("no such machine"));
    expect((await report)[0]?.failure).toMatchObject({
      code: 14,
      message: 'the launcher of plugin "app" failed: no such machine',
      info: { reason: "LAUNCH_FAILED", facts: { plugin: "app" } },
    });
  });

  it("restarts a plugin from within the event of its failure", async () => {
    const stage = createTheatre({ app: [] });
    const restarts: Promise<string | undefined>[] = [];
    stage.listeners.push((event) => {
      if (event.type === "instance.failed")
        restarts.push(failureOf(stage.supervisor.restart("app", "again")));
    });
    void stage.supervisor.start();
    stage.of("app").refuseToLoad();
    await settle();
    expect(stage.puppets).toHaveLength(2);
    await stage.raise("app");
    expect(restarts).toHaveLength(1);
    // It is not told of the failure that made it ask.
    expect(await restarts[0]).toBeUndefined();
    expect(stage.statusOf("app")).toBe("running");
  });

  it("fails a restart when the host stops meanwhile", async () => {
    const stage = createTheatre({ app: [] });
    void stage.supervisor.start();
    await stage.raise("app");
    const restarted = failureOf(stage.supervisor.restart("app", "again"));
    void stage.supervisor.stop("enough", 1_000);
    expect(await restarted).toBe("HOST_STOPPING");
    stage.of("app").die();
    await settle();
    expect(stage.puppets).toHaveLength(1);
  });
});

describe("whatever happens, in whatever order", () => {
  const plugins = ["app", "mid", "base", "lone"] as const;
  const act = fc.record({
    plugin: fc.constantFrom(...plugins),
    what: fc.constantFrom(
      "load",
      "load",
      "shake",
      "shake",
      "start",
      "start",
      "refuse",
      "fail",
      "disconnect",
      "die",
      "drained",
      "deaf",
      "sick",
      "restart",
      "second",
      "long",
    ),
  });

  it("nothing outlives its instance, and a stop leaves nothing", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 60 }), async (acts) => {
        const stage = createTheatre({ app: ["mid", "lone"], mid: ["base"], base: [], lone: [] });
        void stage.supervisor.start();
        const check = () => {
          expect(stage.errors).toEqual([]);
          for (const view of stage.supervisor.plugins()) {
            const runs = stage.puppets.filter(({ session }) => session.plugin === view.name);
            const instance = view.state.instance!;
            const isGone = instance.state.name === "gone";
            // All but the present run have ended, once each.
            expect(runs.map(({ ended }) => ended)).toEqual(
              runs.map(({ session }) => (session.instanceId === instance.id && !isGone ? 0 : 1)),
            );
            // What is announced serves, and its connection is open or its end is just being told.
            for (const [id, plugin] of stage.registered) {
              if (plugin === view.name)
                expect([id, view.status]).toEqual([instance.id, expect.stringMatching(/running|degraded/)]);
            }
          }
        };
        for (const { plugin, what } of acts) {
          const puppet = stage.of(plugin);
          if (what === "load") puppet.load();
          if (what === "shake") puppet.shakeHands();
          if (what === "start") puppet.starting.resolve(well);
          if (what === "refuse") puppet.refuseToLoad();
          if (what === "fail") puppet.starting.reject(toConnectError(createFailure("START_FAILED", "no")));
          if (what === "disconnect") puppet.disconnect();
          if (what === "die") puppet.die();
          if (what === "drained") puppet.draining.resolve();
          if (what === "deaf") puppet.hearing.reject(new Error("deaf"));
          if (what === "sick") puppet.session.on.health({ ...well, state: "unhealthy" });
          if (what === "restart") stage.supervisor.restart(plugin, "again").catch(() => undefined);
          if (what === "second") stage.clock.advance(1_000);
          if (what === "long") stage.clock.advance(30_000);
          await settle();
          check();
          for (const id of stage.registered.keys()) {
            expect(stage.puppets.find(({ session }) => session.instanceId === id)?.connected).toBe(true);
          }
        }
        const stopped = stage.supervisor.stop("the end", 5_000);
        await settle();
        stage.clock.advance(5_000);
        await settle();
        stage.clock.advance(2_000);
        await settle();
        stage.clock.advance(2_000);
        await stopped;
        check();
        expect(stage.registered.size).toBe(0);
        expect(stage.clock.timers).toBe(0);
        expect(stage.puppets.every(({ ended }) => ended === 1)).toBe(true);
        expect(stage.puppets.every(({ connected }) => !connected)).toBe(true);
        const launches = stage.puppets.length;
        stage.clock.advance(100_000);
        await settle();
        expect(stage.puppets).toHaveLength(launches);
      }),
      { numRuns: 150 },
    );
  });
});
