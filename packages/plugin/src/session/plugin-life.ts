import {
  type Boot,
  type Connection,
  type ConnectionEnd,
  createFailure,
  type PluginStopped,
} from "@connect-plugin/protocol";
import {
  type CallContext,
  createServiceEnd,
  failureError,
  type ServiceEnd,
  toConnectError,
} from "@connect-plugin/rpc";
import { createCallTree } from "./call-tree.js";
import type { CheckedStart } from "./check-started.js";
import { createDeferred } from "./deferred.js";
import { describeError, describeStack } from "./describe-error.js";
import { createHealthKeeper, type HealthReport } from "./health-state.js";
import type { HostServices } from "./host-services.js";
import { inflate } from "./inflate.js";
import { aborted, within } from "./pause.js";
import { createPhaseTracker, type Phase } from "./phase.js";
import type { PluginSource } from "./plugin-source.js";
import { refuseByPhase } from "./refuse-by-phase.js";
import { reportHealth } from "./report-health.js";
import { resolveNeeds } from "./resolve-needs.js";
import { startPlugin, stoppedMeanwhile } from "./start-plugin.js";

/** For calls in flight and `stop()` together, where the host names no other. */
const DEFAULT_GRACE_MS = 10_000;
const MAX_GRACE_MS = 86_400_000;
/** The part of the grace that calls in flight may use up; the rest is for `stop()`. */
const SHARE_OF_CALLS = 0.8;
/** For the last log lines, and for the last answers to the host. */
const FAREWELL_MS = 1_000;

/** Why a session ends. */
export type EndCause =
  | { readonly how: "asked"; readonly reason: string; readonly graceMs?: number }
  | { readonly how: "host-gone" | "failed"; readonly reason: string };

/** The other side, as soon as there is a way to it. */
export interface HostRelation {
  readonly connection: Connection;
  readonly services: HostServices;
  /** Answers the host's own calls. */
  readonly control: ServiceEnd;
}

/**
 * The life of one run of a plugin, from handshake to end.
 *
 * All that happens to it comes in through `meet`, `begin`, `start`, `drain`, `end` and `lose`. The phase says what is
 * still possible, so that none of them has to know what the others are doing.
 */
export class PluginLife {
  readonly source: PluginSource;
  readonly boot: Boot;
  readonly health = createHealthKeeper();
  /** The plugin's own services: closed until it has started. */
  readonly services: ServiceEnd;

  private readonly phase = createPhaseTracker();
  private readonly tree = createCallTree();
  private readonly draining = new AbortController();
  /** `ctx.signal`. */
  private readonly stopping = new AbortController();
  /** Ends what the SDK itself has going on at the host. */
  private readonly over = new AbortController();
  private readonly hostGone = createDeferred<void>();
  /** The handshake is done, or there will be none. */
  private readonly met = createDeferred<void>();
  private readonly gone = createDeferred<PluginStopped>();
  private host: HostRelation | undefined;
  private identity: string | undefined;
  private starting: Promise<CheckedStart> | undefined;
  /** The host has given calls their time; when it then asks for the end, that time is over. */
  private drained = false;

  constructor(source: PluginSource, boot: Boot) {
    this.source = source;
    this.boot = boot;
    this.services = createServiceEnd({
      draining: this.draining.signal,
      inflate,
      maxMessageBytes: boot.messageBytes,
      refuse: (head) => refuseByPhase(boot.plugin, this.phase.now, head),
      run: (call, task) => this.tree.run(call, task),
      onUnexpectedError: (error, call) => this.logFailure(error, call),
    });
  }

  /** Settles when nothing of the plugin runs any more. */
  get stopped(): Promise<PluginStopped> {
    return this.gone.promise;
  }

  /** From the handshake on. */
  get runtimeId(): string | undefined {
    return this.identity;
  }

  get isServing(): boolean {
    return this.phase.now.name === "serving" && !this.draining.signal.aborted;
  }

  /** There is a way to the host. */
  meet(host: HostRelation): void {
    this.host = host;
    void host.connection.closed.then((end) => this.lose(end));
  }

  /** The handshake is done. */
  begin(runtimeId: string): void {
    this.identity = runtimeId;
    this.phase.enter({ name: "waiting" });
    this.met.resolve();
  }

  /** Starts the plugin and opens its services. Rejects with a ConnectError that says why it cannot. */
  async start(signal: AbortSignal): Promise<HealthReport> {
    // A host may say so in the same breath as its answer to the handshake, which is still being checked then.
    if (this.phase.now.name === "handshaking") await this.met.promise;
    const { host, identity } = this;
    if (host === undefined || identity === undefined || !this.phase.enter({ name: "starting" })) {
      throw this.startRefused();
    }
    // In a turn of its own: if the call was cut because the host is gone, that is what ends the session.
    const giveUp = () => {
      setImmediate(() => this.end({ how: "failed", reason: "the host no longer waited for its start" }));
    };
    if (signal.aborted) giveUp();
    signal.addEventListener("abort", giveUp);
    this.starting = this.startPlugin(host, identity);
    const outcome = await this.starting;
    signal.removeEventListener("abort", giveUp);

    if (!outcome.ok) {
      if (this.phase.enter({ name: "failed", failure: outcome.failure })) this.stopping.abort();
      throw toConnectError(outcome.failure);
    }
    if (this.phase.now.name === "starting") this.services.add(outcome.services);
    if (!this.phase.enter({ name: "serving", stop: outcome.stop })) {
      throw toConnectError(stoppedMeanwhile(this.boot.plugin));
    }
    const report = this.health.now;
    this.health.changes.changed();
    // What is told next must not overtake this answer.
    setImmediate(() => void reportHealth(this.health, report, host.services.lifecycle, this.over.signal));
    return report;
  }

  /** Tells handlers to come to an end; settles when no call is left, or when the session ends. */
  async drain(): Promise<void> {
    this.drained = true;
    this.draining.abort();
    this.health.changes.changed();
    await Promise.race([this.services.idle(), aborted(this.over.signal)]);
  }

  /** Ends the session, in order. Only the first cause counts. */
  end(cause: EndCause): void {
    const before = this.phase.now;
    this.met.resolve();
    if (this.phase.enter({ name: "ending", reason: cause.reason })) void this.finish(before, cause);
  }

  /** A handler threw something that its caller is not told. */
  logFailure(error: unknown, call: CallContext): void {
    const procedure = `${call.service.typeName}/${call.method.name}`;
    const message = `${procedure} failed: ${describeError(error)}`;
    this.host?.services.logger.voice.error(message, { procedure, stack: describeStack(error) });
  }

  private lose(end: ConnectionEnd): void {
    this.hostGone.resolve();
    this.end({ how: "host-gone", reason: end.failure.message });
  }

  private startRefused(): Error {
    const { name } = this.phase.now;
    const message = `Plugin "${this.boot.plugin}" was told to start, but it is ${name}: a plugin is started once, after its handshake.`;
    return failureError("START_FAILED", message, {
      fault: "host",
      facts: { plugin: this.boot.plugin, phase: name },
    });
  }

  private startPlugin(host: HostRelation, runtimeId: string): Promise<CheckedStart> {
    const { source, boot } = this;
    const { session, broker, logger } = host.services;
    const log = logger.voice;
    const needs = resolveNeeds({
      source,
      host: host.connection,
      session,
      broker,
      parent: () => this.tree.parent(),
      maxMessageBytes: boot.messageBytes,
      signal: this.stopping.signal,
      onWatchLost: (service, error) =>
        log.warn(`the watch on providers of ${service} broke; trying again: ${describeError(error)}`, {
          service,
        }),
    });
    const plugin = { name: boot.plugin, instanceId: boot.instanceId, runtimeId };
    const context = { signal: this.stopping.signal, plugin, health: this.health.voice, log };
    return startPlugin({ source, config: boot.config, needs, context });
  }

  private async finish(before: Phase, cause: EndCause): Promise<void> {
    const { plugin } = this.boot;
    const graceMs = Math.min(
      (cause.how === "asked" ? cause.graceMs : undefined) ?? DEFAULT_GRACE_MS,
      MAX_GRACE_MS,
    );
    const deadline = performance.now() + graceMs;
    this.draining.abort();
    this.health.changes.changed();
    if (cause.how === "asked" && !this.drained) {
      await within(graceMs * SHARE_OF_CALLS, Promise.race([this.services.idle(), this.hostGone.promise]));
    }
    const farewell = createFailure("PROVIDER_STOPPED", `Plugin "${plugin}" has stopped: ${cause.reason}.`, {
      facts: { plugin },
    });
    this.services.cancelAll(farewell);
    this.stopping.abort();
    const problem = await this.stopPlugin(before, deadline);
    if (problem !== undefined) this.host?.services.logger.voice.error(problem);

    await this.host?.services.logger.close(FAREWELL_MS);
    this.over.abort();
    this.health.changes.end();
    if (this.host !== undefined) {
      const { control, connection } = this.host;
      await within(FAREWELL_MS, Promise.race([control.idle(), this.hostGone.promise]));
      connection.close(farewell);
      await within(FAREWELL_MS, connection.closed);
    }
    this.phase.enter({ name: "stopped" });
    this.gone.resolve(
      problem === undefined ? { how: cause.how, reason: cause.reason } : { how: "failed", reason: problem },
    );
  }

  /** Runs the plugin's own `stop()`, of a start that is still under way too. Says what went wrong with it. */
  private async stopPlugin(before: Phase, deadline: number): Promise<string | undefined> {
    let stop = before.name === "serving" ? before.stop : undefined;
    if (before.name === "starting" && this.starting !== undefined) {
      if (!(await within(deadline - performance.now(), this.starting))) return this.tooLate("start()");
      const outcome = await this.starting;
      stop = outcome.ok ? outcome.stop : undefined;
    }
    if (stop === undefined) return undefined;
    const stopping = run(stop);
    if (!(await within(deadline - performance.now(), stopping))) return this.tooLate("stop()");
    const thrown = await stopping;
    return thrown === undefined
      ? undefined
      : `Plugin "${this.boot.plugin}" failed in its stop(): ${describeError(thrown.error)}`;
  }

  private tooLate(what: string): string {
    return `Plugin "${this.boot.plugin}" did not end in time: its ${what} was still running when its grace was over.`;
  }
}

/** What a task threw, if it did. */
async function run(task: () => unknown): Promise<{ readonly error: unknown } | undefined> {
  try {
    await task();
    return undefined;
  } catch (error) {
    return { error };
  }
}
