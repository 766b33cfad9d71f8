import { type CallFailure, createFailure } from "@connect-plugin/protocol";
import { toFailure } from "@connect-plugin/rpc";
import type { Offers } from "../define/offer.js";
import type { PluginContext } from "../define/plugin-context.js";
import { runOutsideCalls } from "./call-tree.js";
import { checkConfig } from "./check-config.js";
import { type CheckedStart, checkStarted } from "./check-started.js";
import { describeError, describeStack } from "./describe-error.js";
import type { PluginSource } from "./plugin-source.js";
import type { ResolvedServices } from "./resolve-needs.js";

export interface StartSettings {
  readonly source: PluginSource;
  /** As the operator wrote it. */
  readonly config: unknown;
  readonly needs: ResolvedServices;
  /** All of the context but what only a start finds out. */
  readonly context: Omit<PluginContext, "config" | "services">;
}

/** Starts a plugin: config, needs, its own `start`, and a look at what that returned. Never rejects. */
export async function startPlugin({ source, config, needs, context }: StartSettings): Promise<CheckedStart> {
  const { name } = context.plugin;
  const checked = await checkConfig(name, source.config, config);
  if (!checked.ok) return checked;
  try {
    await needs.ready();
  } catch (error) {
    const failure = toFailure(error, "START_FAILED");
    return {
      ok: false,
      failure: { ...failure, message: `Plugin "${name}" cannot start: ${failure.message}` },
    };
  }
  if (context.signal.aborted) return { ok: false, failure: stoppedMeanwhile(name) };

  let returned: unknown;
  try {
    const ctx = { ...context, config: checked.config, services: needs.services };
    // Its type was checked where the plugin was defined.
    returned = await runOutsideCalls(() => source.start(ctx as never));
  } catch (error) {
    context.log.error(`start() failed: ${describeError(error)}`, { stack: describeStack(error) });
    return { ok: false, failure: startFailed(name, `failed in its start(): ${describeError(error)}`) };
  }
  const outcome = inspect(name, source.provides, returned);
  if (!outcome.ok) await discard(returned);
  return outcome;
}

/** Looking at what a plugin returned may run code of its own, and that may throw. */
function inspect(name: string, provides: Offers, returned: unknown): CheckedStart {
  try {
    return checkStarted(name, provides, returned);
  } catch (error) {
    const failure = startFailed(
      name,
      `returned what cannot be read from its start(): ${describeError(error)}`,
    );
    return { ok: false, failure };
  }
}

function startFailed(name: string, what: string): CallFailure {
  return createFailure("START_FAILED", `Plugin "${name}" ${what}`, {
    facts: { plugin: name, phase: "start" },
  });
}

/** What `start` took is to be freed, even where what it returned is of no use. */
async function discard(returned: unknown): Promise<void> {
  if (typeof returned !== "object" || returned === null) return;
  try {
    if ("stop" in returned && typeof returned.stop === "function") await returned.stop();
  } catch {
    // The start has failed already, for a reason that is told.
  }
}

export function stoppedMeanwhile(plugin: string): CallFailure {
  return createFailure("PROVIDER_STOPPED", `Plugin "${plugin}" was asked to stop before it had started.`, {
    facts: { plugin, phase: "start" },
  });
}
