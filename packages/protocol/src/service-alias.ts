import { endpointPathProblem, serviceNameProblem } from "./names.js";
import { quoted } from "./printable.js";

// Connect-plugin for Go calls a service by a free name ("kv") and says where it answers (`/kv.v1.KVService/`). The path
// is what names the Protobuf service. Nothing is guessed: where the path does not say it, the operator must.

/** A Protobuf service, or why there is none. */
export type ServiceOfPath =
  | { readonly ok: true; readonly service: string }
  | { readonly ok: false; readonly problem: string };

/** The path below which a service's procedures answer. */
export function endpointPathOf(service: string): string {
  return `/${service}/`;
}

/** Puts in the slashes that generated Go plugins leave out: `kv.v1.KVService` is `/kv.v1.KVService/`. */
export function normalizeEndpointPath(path: string): string {
  const start = path.startsWith("/") ? path : `/${path}`;
  return start.endsWith("/") ? start : `${start}/`;
}

/**
 * The Protobuf service that answers at a path: its last segment, which must be a name with a package. Leading segments
 * are a mount point of the provider.
 */
export function serviceOfEndpointPath(path: string): ServiceOfPath {
  const normal = normalizeEndpointPath(path);
  const problem = endpointPathProblem(normal);
  if (problem !== undefined) return { ok: false, problem };
  const service = normal.slice(0, -1).split("/").at(-1) ?? "";
  if (!service.includes(".") || serviceNameProblem(service) !== undefined) {
    return {
      ok: false,
      problem: `endpoint_path ${quoted(path)} does not end in a Protobuf service such as /kv.v1.KVService/; set an alias for this service type in the host's configuration`,
    };
  }
  return { ok: true, service };
}
