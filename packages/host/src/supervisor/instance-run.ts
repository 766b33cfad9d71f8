import { type CallFailure, createFailure, describeValue, type Manifest } from "@connect-plugin/protocol";
import { toFailure } from "@connect-plugin/rpc";
import { ConnectError } from "@connectrpc/connect";
import type { HealthReport } from "../event.js";
import type { Launched } from "../launcher/launcher.js";
import type { Phase } from "./deadlines.js";
import type { Outcome } from "./instance-state.js";
import type { InstanceFact, PluginEffect } from "./plugin-state.js";
import { createProviderRecords } from "./provider-records.js";
import type { SupervisedPlugin, Surroundings } from "./supervised-plugin.js";

/** One run of a plugin as it really is: its carrier, its session, its timer. Does what the machine says. */
export interface InstanceRun {
  do(effect: PluginEffect): void;
}

export interface InstanceRunOptions {
  readonly plugin: string;
  readonly generation: number;
  readonly instanceId: string;
  readonly spec: SupervisedPlugin;
  readonly surroundings: Surroundings;
  /** Takes what became of the instance. */
  readonly post: (fact: InstanceFact) => void;
  readonly output: (stream: "stdout" | "stderr", line: string) => void;
}

export function createInstanceRun(options: InstanceRunOptions): InstanceRun {
  const { plugin, instanceId, spec, surroundings, post } = options;
  const { clock, deadlines, emit, roster } = surroundings;
  const launching = new AbortController();
  const session = surroundings.openSession({
    plugin,
    instanceId,
    distance: spec.launcher.distance,
    config: spec.config,
    expect: spec.expect,
    on: {
      accepted: (runtimeId) => {
        emit({ type: "handshake.accepted", plugin, instanceId, runtimeId });
        post({ type: "handshake-accepted", instanceId, runtimeId });
      },
      refused: (failure) => {
        emit({ type: "handshake.refused", plugin, instanceId, failure });
        post({ type: "handshake-refused", instanceId, failure });
      },
      health: (health) => post({ type: "health", instanceId, health }),
    },
  });
  let launched: Launched | undefined;
  let released = false;
  let disarm = nothing;

  async function launch(): Promise<void> {
    let carrier: Launched;
    try {
      carrier = await spec.launcher.launch({
        boot: session.boot,
        handler: session.handler,
        output: options.output,
        signal: launching.signal,
      });
    } catch (error) {
      post({ type: "launch-failed", instanceId, failure: launchFailure(plugin, error) });
      return;
    }
    if (released) {
      // Long given up; nobody else knows of it.
      carrier.connection.close(closing({ kind: "stopped", reason: "its launch was given up" }, plugin));
      await carrier.kill();
      return;
    }
    launched = carrier;
    post({ type: "launched", instanceId, manifest: carrier.manifest, pid: carrier.pid });
    session.attach(carrier.manifest, carrier.connection);
    void carrier.connection.closed.then(({ failure }) =>
      post({ type: "connection-ended", instanceId, failure }),
    );
    void carrier.exited.then((exit) => {
      emit({ type: "instance.gone", plugin, instanceId, exit });
      post({ type: "exited", instanceId, exit, trouble: carrier.trouble });
    });
  }

  async function start(): Promise<void> {
    try {
      const health = await session.start();
      post({ type: "started", instanceId, health });
    } catch (error) {
      const failure = toFailure(error, "START_FAILED");
      // The end of the connection is told by itself, and its cause by the exit.
      if (!isConnectionFailure(failure)) post({ type: "start-failed", instanceId, failure });
    }
  }

  async function drain(reason: string): Promise<void> {
    // Whoever cannot be asked has nothing to finish.
    await session.drain(reason).catch(nothing);
    post({ type: "drained", instanceId });
  }

  async function shutDown(reason: string): Promise<void> {
    try {
      await session.shutDown(reason, deadlines.stop);
    } catch {
      post({ type: "shutdown-unheard", instanceId });
    }
  }

  function register(health: HealthReport): void {
    const manifest: Manifest | undefined = launched?.manifest;
    const runtimeId = session.runtimeId;
    if (launched === undefined || manifest === undefined || runtimeId === undefined) {
      throw new Error(`instance ${instanceId} is ready without a connection or an identity`);
    }
    const records = createProviderRecords({
      plugin,
      generation: options.generation,
      instanceId,
      runtimeId,
      distance: spec.launcher.distance,
      manifest,
      health: health.state,
    });
    roster.register(records, launched.connection);
  }

  function arm(phase: Phase): void {
    disarm();
    const afterMs = deadlines[phase];
    disarm = clock.after(afterMs, () => post({ type: "deadline", instanceId, phase, afterMs }));
  }

  function release(outcome: Outcome): void {
    released = true;
    launching.abort();
    roster.unregister(instanceId, "its instance is gone");
    session.end();
    launched?.connection.close(closing(outcome, plugin));
  }

  return {
    do(effect) {
      switch (effect.type) {
        case "launch":
          void launch();
          return;
        case "abandon-launch":
          launching.abort();
          return;
        case "start":
          void start();
          return;
        case "register":
          register(effect.health);
          return;
        case "health":
          roster.health(instanceId, effect.health.state);
          emit({ type: "instance.health", plugin, instanceId, health: effect.health });
          return;
        case "unregister":
          roster.unregister(instanceId, effect.reason);
          return;
        case "drain":
          void drain(effect.reason);
          return;
        case "shut-down":
          void shutDown(effect.reason);
          return;
        case "terminate":
          launched?.terminate();
          return;
        case "kill":
          launched?.connection.close(closing(effect.outcome, plugin));
          void launched?.kill();
          return;
        case "arm":
          arm(effect.phase);
          return;
        case "disarm":
          disarm();
          disarm = nothing;
          return;
        case "release":
          release(effect.outcome);
          return;
      }
    },
  };
}

/** What a launcher throws that is no failure is of its own making, and whoever wrote it wants to know. */
function launchFailure(plugin: string, error: unknown): CallFailure {
  if (error instanceof ConnectError) return toFailure(error, "LAUNCH_FAILED");
  const found = error instanceof Error ? error.message : describeValue(error);
  return createFailure("LAUNCH_FAILED", `the launcher of plugin "${plugin}" failed: ${found}`, {
    facts: { plugin },
  });
}

/** What calls that are still in flight are told. */
function closing(outcome: Outcome, plugin: string): CallFailure {
  const facts = { plugin };
  return outcome.kind === "stopped"
    ? createFailure("PROVIDER_STOPPED", `plugin "${plugin}" was stopped: ${outcome.reason}`, { facts })
    : createFailure("PROVIDER_GONE", `plugin "${plugin}" is gone: ${outcome.failure.message}`, { facts });
}

function isConnectionFailure(failure: CallFailure): boolean {
  const reason = failure.info?.reason;
  return reason === "CONNECTION_LOST" || reason === "CONNECTION_CLOSED";
}

function nothing(): void {}
