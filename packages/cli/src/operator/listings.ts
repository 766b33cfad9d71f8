import type { Message } from "@bufbuild/protobuf";
import { durationMs, timestampDate } from "@bufbuild/protobuf/wkt";
import type { AdminService } from "@connect-plugin/protocol";
import type { Client } from "@connectrpc/connect";
import { formatDuration, formatMicros } from "../output/duration.js";

/** The same things twice: as rows for people, as messages for programs. */
interface Listing {
  /** What people are told before the table. */
  readonly remark: string | undefined;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly messages: readonly Message[];
}

type Admin = Client<typeof AdminService>;

export async function listPlugins(admin: Admin): Promise<Listing> {
  const [host, { plugins }] = await Promise.all([admin.getHost({}), admin.listPlugins({})]);
  const since = host.started === undefined ? "" : `, since ${timestampDate(host.started).toISOString()}`;
  return {
    remark: `host ${host.hostId} is ${host.state} (pid ${host.pid}${since})`,
    head: ["plugin", "state", "distance", "version", "uptime", "pid", "restarts", "provides"],
    rows: plugins.map((plugin) => [
      plugin.name,
      plugin.state,
      plugin.distance,
      plugin.version,
      plugin.uptime === undefined ? "" : formatDuration(durationMs(plugin.uptime)),
      plugin.pid === 0 ? "" : String(plugin.pid),
      String(plugin.restarts),
      plugin.provides.map((offered) => offered.service).join(" "),
    ]),
    messages: plugins,
  };
}

export async function listServices(admin: Admin): Promise<Listing> {
  const { services } = await admin.listServices({});
  return {
    remark: undefined,
    head: ["service", "version", "plugin", "state", "methods"],
    rows: services.map((provided) => [
      provided.service,
      provided.version,
      provided.plugin,
      provided.state,
      provided.methods.map((method) => method.name).join(" "),
    ]),
    messages: services,
  };
}

export async function listTraffic(admin: Admin): Promise<Listing> {
  const { edges } = await admin.listTraffic({});
  return {
    remark: undefined,
    head: ["caller", "provider", "method", "distance", "calls", "errors", "p50", "p99"],
    rows: edges.map((edge) => [
      edge.caller,
      edge.provider,
      `${edge.service}/${edge.method}`,
      edge.distance,
      String(edge.calls),
      String(edge.errors),
      formatMicros(Number(edge.p50Micros)),
      formatMicros(Number(edge.p99Micros)),
    ]),
    messages: edges,
  };
}
