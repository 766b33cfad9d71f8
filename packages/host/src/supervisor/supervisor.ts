import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import { failureError, toConnectError } from "@connect-plugin/rpc";
import { createDependencyGraph, type DependencyGraph } from "./dependency-graph.js";
import { isServing } from "./instance-state.js";
import { createPluginActor, type PluginActor } from "./plugin-actor.js";
import { liveInstance, type PluginState } from "./plugin-state.js";
import { isComingBack, type PluginStatusName, pluginStatus } from "./plugin-status.js";
import { readinessOf } from "./readiness.js";
import type { SupervisedPlugin, Surroundings } from "./supervised-plugin.js";

/** The life of all plugins of a host. */
export interface Supervisor {
  /** Launches all plugins and starts them in the order in which they need each other. Settles when each runs or has failed. */
  start(): Promise<readonly PluginReport[]>;
  /**
   * Ends a plugin's instance and launches another; settles when that is ready. Rejects with the ConnectError of why it
   * is not.
   */
  restart(plugin: string, reason: string): Promise<void>;
  /**
   * Ends all plugins, dependants first. What has not ended after `graceMs` is ended by force. Settles when nothing is
   * left, with what would not end; never rejects. Called again, it can only shorten the time.
   */
  stop(reason: string, graceMs: number): Promise<readonly string[]>;
  plugin(name: string): PluginView | undefined;
  /** In the order of the spec. */
  plugins(): readonly PluginView[];
  /** Whether any plugin is on its way up. */
  readonly anyComing: boolean;
  /** Whether a plugin that is on its way up may yet provide this. */
  mayCome(wanted: WantedProvider): boolean;
}

export interface PluginReport {
  readonly name: string;
  readonly status: PluginStatusName;
  readonly failure: CallFailure | undefined;
}

/** What is known of a plugin. */
export interface PluginView extends PluginReport {
  readonly state: PluginState;
  readonly spec: SupervisedPlugin;
  /** The end of what it wrote, oldest line first. */
  readonly output: readonly string[];
}

export interface WantedProvider {
  readonly service: string;
  /** The plugin that is to answer, if it matters. */
  readonly plugin: string | undefined;
  /** The plugin that asks, if it is one. */
  readonly caller: string | undefined;
}

export interface SupervisorOptions {
  readonly plugins: ReadonlyMap<string, SupervisedPlugin>;
  /** By service, the plugin that the operator wants it from. */
  readonly prefer: Readonly<Record<string, string>>;
  readonly surroundings: Surroundings;
  readonly instanceId: (plugin: string, launch: number) => string;
  /** Something changed for who waits in `mayCome`. */
  readonly onChange: () => void;
  readonly onError: (error: unknown) => void;
}

/** Somebody who waits for something to become true of the plugins. */
interface Waiter {
  /** Settles the promise and returns true, or returns false. */
  look(): boolean;
}

export function createSupervisor(options: SupervisorOptions): Supervisor {
  const { clock } = options.surroundings;
  const actors = new Map<string, PluginActor>();
  const waiters = new Set<Waiter>();
  let stopping: { readonly reason: string } | undefined;
  let changed = false;
  let looking = false;
  let anyComing = false;

  for (const [name, spec] of options.plugins) {
    const { surroundings, instanceId, onError } = options;
    actors.set(name, createPluginActor({ name, spec, surroundings, instanceId, onError, changed: look }));
  }

  const states = () => new Map([...actors].map(([name, actor]) => [name, actor.state]));

  function graphOf(current: ReadonlyMap<string, PluginState>): DependencyGraph {
    const manifests = new Map([...current].map(([name, state]) => [name, state.manifest]));
    return createDependencyGraph({ manifests, prefer: options.prefer });
  }

  /** Does what follows from the plugins' states, until nothing more does. */
  function look(): void {
    changed = true;
    if (looking) return;
    looking = true;
    try {
      while (changed) {
        changed = false;
        if (stopping === undefined) letStart();
        else letStop(stopping.reason);
        anyComing = stopping === undefined && [...actors.values()].some(({ state }) => isComingBack(state));
        for (const waiter of waiters) if (waiter.look()) waiters.delete(waiter);
      }
    } finally {
      looking = false;
    }
    options.onChange();
  }

  function letStart(): void {
    const waiting = [...actors].filter(([, { state }]) => liveInstance(state)?.state.name === "waiting");
    if (waiting.length === 0) return;
    const current = states();
    const graph = graphOf(current);
    for (const [name, actor] of waiting) {
      const instanceId = actor.state.instance!.id;
      const readiness = readinessOf(name, current, graph);
      if (readiness.kind === "may-start") actor.post({ type: "needs-met", instanceId });
      if (readiness.kind === "hopeless") {
        actor.post({ type: "needs-hopeless", instanceId, failure: readiness.failure });
      }
    }
  }

  function letStop(reason: string): void {
    const current = states();
    const graph = graphOf(current);
    const alive = [...actors.keys()].filter((name) => liveInstance(current.get(name)!) !== undefined);
    const free = alive.filter((name) =>
      graph.dependantsOf(name).every((other) => other === name || !alive.includes(other)),
    );
    // In a circle nobody is free; then all are.
    for (const name of free.length > 0 ? free : alive) {
      const actor = actors.get(name)!;
      if (actor.state.want === "running") actor.post({ type: "stop", reason });
    }
  }

  function wait<T>(find: () => { readonly value: T } | CallFailure | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        look() {
          const found = find();
          if (found === undefined) return false;
          if ("value" in found) resolve(found.value);
          else reject(toConnectError(found));
          return true;
        },
      };
      if (!waiter.look()) waiters.add(waiter);
    });
  }

  function view(name: string, { state, output }: PluginActor): PluginView {
    return {
      name,
      status: pluginStatus(state),
      failure: failureOf(state),
      state,
      spec: options.plugins.get(name)!,
      output,
    };
  }

  return {
    async start() {
      if (stopping !== undefined) throw hostStopping("start");
      for (const actor of actors.values()) actor.post({ type: "start" });
      return await wait(() => {
        const views = [...actors].map(([name, actor]) => view(name, actor));
        const settled = views.every(({ state }) => isSettled(state));
        return settled ? { value: views.map(reportOf) } : undefined;
      });
    },
    async restart(plugin, reason) {
      const actor = actors.get(plugin);
      if (actor === undefined) throw unknownPlugin(plugin, [...actors.keys()]);
      if (stopping !== undefined) throw hostStopping(`restart plugin "${plugin}"`);
      const before = actor.state;
      actor.post({ type: "restart", reason });
      await wait(() => {
        const { state } = actor;
        if (stopping !== undefined) return stoppingFailure(`restart plugin "${plugin}"`);
        const live = liveInstance(state);
        // Whoever asks while the plugin is being told of is heard only after that: until then, nothing has been tried.
        if (state === before) return undefined;
        if (state.launches > before.launches && live !== undefined && isServing(live.state))
          return { value: undefined };
        return pluginStatus(state) === "failed" && live === undefined ? failureOf(state) : undefined;
      });
    },
    async stop(reason, graceMs) {
      stopping ??= { reason };
      look();
      const callOff = clock.after(graceMs, () => {
        for (const actor of actors.values()) {
          actor.post({ type: "stop", reason });
          actor.post({ type: "hurry" });
        }
      });
      await wait(() => {
        const none = [...actors.values()].every(({ state }) => liveInstance(state) === undefined);
        return none ? { value: undefined } : undefined;
      });
      callOff();
      return [...actors].flatMap(([name, { state }]) => {
        const { instance } = state;
        const leaked = instance?.state.name === "gone" && instance.state.leaked;
        return leaked ? [`${name}: ${instance.reason}`] : [];
      });
    },
    plugin(name) {
      const actor = actors.get(name);
      return actor === undefined ? undefined : view(name, actor);
    },
    get anyComing() {
      return anyComing;
    },
    plugins: () => [...actors].map(([name, actor]) => view(name, actor)),
    mayCome({ service, plugin, caller }) {
      if (stopping !== undefined) return false;
      for (const [name, { state }] of actors) {
        if (name === caller || !isComingBack(state)) continue;
        if (plugin !== undefined && plugin !== name) continue;
        const offers = state.manifest?.provides.some((offered) => offered.service === service) ?? true;
        if (offers && !waitsFor(name, caller)) return true;
      }
      return false;
    },
  };

  /** Whether a plugin cannot start before another has, which itself is not yet up: waiting for it would be for ever. */
  function waitsFor(plugin: string, other: string | undefined): boolean {
    const awaited = other === undefined ? undefined : actors.get(other)?.state;
    if (awaited === undefined || !isComingBack(awaited)) return false;
    const graph = graphOf(states());
    const seen = new Set<string>();
    const dependsOn = (name: string): boolean =>
      graph.needsOf(name).some((need) => {
        if (need.kind === "hopeless" || seen.has(need.plugin)) return false;
        seen.add(need.plugin);
        return need.plugin === other || dependsOn(need.plugin);
      });
    return dependsOn(plugin);
  }
}

/** Neither on its way up nor on its way down. */
function isSettled(state: PluginState): boolean {
  const live = liveInstance(state);
  return live === undefined || isServing(live.state);
}

function failureOf(state: PluginState): CallFailure | undefined {
  const current = state.instance?.state;
  if (current?.name === "gone" && current.outcome.kind === "failed") return current.outcome.failure;
  if (current?.name === "stopping" || current?.name === "draining") {
    return current.ending.kind === "asked" ? undefined : current.ending.failure;
  }
  return undefined;
}

function reportOf({ name, status, failure }: PluginView): PluginReport {
  return { name, status, failure };
}

function unknownPlugin(plugin: string, known: readonly string[]) {
  return failureError(
    "UNKNOWN_PLUGIN",
    `there is no plugin "${plugin}"; this host has ${known.join(", ") || "none"}`,
    { facts: { plugin } },
  );
}

function stoppingFailure(what: string): CallFailure {
  return createFailure("HOST_STOPPING", `cannot ${what}: the host is stopping and launches nothing any more`);
}

function hostStopping(what: string) {
  return toConnectError(stoppingFailure(what));
}
