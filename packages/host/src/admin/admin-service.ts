import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type AdminService,
  methodToWire,
  ProvidedServiceSchema,
  type TrafficEdge,
  TrafficEdgeSchema,
  type WatchEventsResponseSchema,
} from "@connect-plugin/protocol";
import type { Implementation } from "@connect-plugin/rpc";
import { describeEvent } from "../event-text.js";
import type { ProviderRecord } from "../registry/record.js";
import type { PluginView } from "../supervisor/supervisor.js";
import type { AdminView, TrafficFacts } from "./admin-view.js";
import { type FedEvent, feedEvents } from "./event-feed.js";
import { pluginStatusMessage } from "./plugin-status-message.js";
import { summarizePlugin } from "./plugin-summary.js";

/** The host, as its operator meets it over the operator's own socket. */
export function createAdminService(view: AdminView): Implementation<typeof AdminService> {
  const { host, supervisor, registry } = view;

  function describeService(record: ProviderRecord) {
    const instance = supervisor.plugin(record.plugin)?.state.instance;
    return create(ProvidedServiceSchema, {
      service: record.service,
      version: record.version,
      plugin: record.plugin,
      instance: record.runtimeId,
      state: instance?.id === record.instanceId ? instance.state.name : "",
      methods: record.offered.methods.map(methodToWire),
    });
  }

  const describePlugin = (plugin: PluginView) => pluginStatusMessage(summarizePlugin(plugin, view.now()));

  return {
    getHost: () => ({
      hostId: host.id,
      version: host.version,
      pid: process.pid,
      started: timestampFromDate(host.startedAt),
      state: host.state(),
      configPath: host.configPath ?? "",
    }),
    listPlugins() {
      const views = [...supervisor.plugins()].sort((a, b) => (a.name < b.name ? -1 : 1));
      return { plugins: views.map((plugin) => describePlugin(plugin)) };
    },
    listServices: () => ({ services: registry.snapshot().records.map(describeService) }),
    listTraffic: () => ({ edges: view.traffic().map(describeEdge) }),
    async *watchEvents(_request, call) {
      for await (const fed of feedEvents(view.subscribe, call.signal)) yield describeFed(fed);
    },
    async restartPlugin({ name }) {
      await supervisor.restart(name, "the operator asked for a restart");
      const plugin = supervisor.plugin(name);
      return plugin === undefined ? {} : { plugin: describePlugin(plugin) };
    },
    stopHost({ grace }) {
      const graceMs = grace === undefined ? undefined : Math.max(0, durationMs(grace));
      // The answer goes out first.
      setImmediate(() => view.stop(graceMs));
      return {};
    },
  };
}

function describeEdge(edge: TrafficFacts): TrafficEdge {
  return create(TrafficEdgeSchema, {
    caller: edge.caller,
    provider: edge.provider,
    service: edge.service,
    method: edge.method,
    distance: edge.distance,
    calls: BigInt(edge.calls),
    errors: BigInt(edge.errors),
    p50Micros: BigInt(edge.p50Micros),
    p99Micros: BigInt(edge.p99Micros),
    maxMicros: BigInt(edge.maxMicros),
  });
}

function describeFed(fed: FedEvent): MessageInitShape<typeof WatchEventsResponseSchema> {
  const time = timestampFromDate(fed.at);
  if (fed.kind === "missed") {
    const message = `${fed.count} events were left out, because this watch read too slowly`;
    return { time, kind: "watch.missed", message, facts: { count: fed.count } };
  }
  const { plugin, message, facts } = describeEvent(fed.event);
  return { time, kind: fed.event.type, plugin, message, facts: { ...facts } };
}
