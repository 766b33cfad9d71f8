import { type HealthService, HealthState, type Manifest, ServingStatus } from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import { Code, ConnectError } from "@connectrpc/connect";
import type { HealthKeeper } from "./health-state.js";

/**
 * `connectplugin.health.v1`: whether calls are served, for whoever probes. The same for the plugin as a whole and for
 * each of its services, since its health is one.
 *
 * @param isServing whether the plugin takes calls; a change of it is told by `health.changes`
 */
export function createHealthService(
  manifest: Manifest,
  health: HealthKeeper,
  isServing: () => boolean,
): Implementation<typeof HealthService> {
  const known = new Set(["", ...manifest.provides.map((offered) => offered.service)]);
  const status = () =>
    isServing() && health.now.state !== HealthState.UNHEALTHY
      ? ServingStatus.SERVING
      : ServingStatus.NOT_SERVING;

  return {
    check({ service }) {
      if (!known.has(service)) {
        throw new ConnectError(
          `plugin ${manifest.name} does not serve ${JSON.stringify(service)}`,
          Code.NotFound,
        );
      }
      return { status: status() };
    },
    async *watch({ service }, call) {
      if (!known.has(service)) {
        yield { status: ServingStatus.SERVICE_UNKNOWN };
        return;
      }
      const changes = health.changes.read(status, call.signal);
      let told = status();
      yield { status: told };
      for await (const now of changes) {
        if (now === told) continue;
        told = now;
        yield { status: told };
      }
    },
  };
}
