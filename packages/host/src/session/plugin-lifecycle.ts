import type { PluginLifecycle } from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import type { HealthReport } from "../event.js";
import { readHealthReport } from "./health-report.js";

/** Takes one plugin's word on its health. */
export function createPluginLifecycle(
  report: (health: HealthReport) => void,
): Implementation<typeof PluginLifecycle> {
  return {
    reportHealth(request) {
      report(readHealthReport(request));
      return {};
    },
  };
}
