import { endpointPathOf, type Manifest, type PluginIdentity } from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import { leastVersion } from "./least-version.js";

/**
 * Says what the plugin is, to hosts that ask. Hosts in Go know services by free names; the Protobuf name serves as one.
 *
 * @param runtimeId of the session, once there is one
 */
export function createIdentityService(
  manifest: Manifest,
  runtimeId: () => string | undefined,
): Implementation<typeof PluginIdentity> {
  return {
    getPluginInfo() {
      return {
        selfId: manifest.name,
        selfVersion: manifest.version,
        provides: manifest.provides.map(({ service, version }) => ({
          type: service,
          version,
          path: endpointPathOf(service),
        })),
        requires: manifest.requires
          .filter(({ arity }) => arity !== "capability")
          .map(({ service, range, arity }) => ({
            type: service,
            // Empty, which is any, where a range cannot be said by its least version.
            minVersion: leastVersion(range) ?? "",
            requiredForStartup: arity === "one",
            watchForChanges: arity !== "one",
          })),
        metadata: { name: manifest.name, version: manifest.version },
      };
    },
    setRuntimeIdentity(request) {
      // The identity of this session comes from its handshake; no other is taken.
      return { acknowledged: request.runtimeId === runtimeId() };
    },
  };
}
