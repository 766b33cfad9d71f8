import type { PluginLifecycle } from "@connect-plugin/protocol";
import type { ServiceClient } from "@connect-plugin/rpc";
import { createBackoff } from "./backoff.js";
import type { HealthKeeper, HealthReport } from "./health-state.js";
import { pause } from "./pause.js";

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/**
 * Tells the host each change of the plugin's health, one after another; of changes that come faster than the host
 * takes them, the newest. Goes on until the signal aborts, and never rejects.
 *
 * @param told what the host knows already
 */
export async function reportHealth(
  keeper: HealthKeeper,
  told: HealthReport,
  host: ServiceClient<typeof PluginLifecycle>,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff(FIRST_RETRY_MS, MAX_RETRY_MS);
  const changes = keeper.changes.read(() => keeper.now, signal);
  let known = told;

  async function tell(): Promise<void> {
    while (known !== keeper.now && !signal.aborted) {
      const report = keeper.now;
      try {
        await host.reportHealth(
          { ...report, unavailableDependencies: [...report.unavailableDependencies] },
          { signal },
        );
        known = report;
        backoff.reset();
      } catch {
        // Refused or not heard: the host goes on with what it was told before, so it is told again.
        await pause(backoff.next(), signal);
      }
    }
  }

  await tell();
  for await (const _ of changes) await tell();
}
