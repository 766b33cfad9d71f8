import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  type Cursor as CursorMessage,
  CursorSchema,
  type HostSessionService,
  healthStateToWire,
  isRange,
  type Provider,
  ProviderSchema,
  quoted,
  type WatchProvidersResponseSchema,
} from "@connect-plugin/protocol";
import { failureError, type Implementation } from "@connect-plugin/rpc";
import type { ProviderList } from "../registry/provider-watch.js";
import type { Cursor, ProviderRecord } from "../registry/record.js";
import type { Registry } from "../registry/registry.js";
import type { WatchAccess } from "./watch-access.js";
import type { WatchLimit } from "./watch-limit.js";

/** Tells one plugin who provides what it requires: others than itself, because calls do not go to itself either. */
export function createHostSessionService(
  registry: Registry,
  plugin: string,
  mayWatch: WatchAccess,
  limit: WatchLimit,
): Implementation<typeof HostSessionService> {
  return {
    async *watchProviders(request, call) {
      mayWatch(request.service);
      const range = checkRange(request.range);
      const lists = registry.watch({
        service: request.service,
        ...(range === undefined ? {} : { range }),
        ...(request.from === undefined ? {} : { from: cursorFromWire(request.from) }),
        signal: call.signal,
      });
      for await (const list of limit.count(lists)) yield describeList(list, plugin);
    },
  };
}

/** A range in a request; undefined if any version will do. Throws a ConnectError if it is none. */
export function checkRange(range: string): string | undefined {
  if (range === "") return undefined;
  if (isRange(range)) return range;
  throw failureError(
    "MESSAGE_INVALID",
    `range must be a semver range such as ^1.2.0, but is ${quoted(range)}`,
    {
      fault: "caller",
    },
  );
}

export function cursorFromWire(cursor: CursorMessage): Cursor {
  return { epoch: cursor.epoch, revision: Number(cursor.revision) };
}

export function cursorToWire(cursor: Cursor): CursorMessage {
  return create(CursorSchema, { epoch: cursor.epoch, revision: BigInt(cursor.revision) });
}

function describeList(
  list: ProviderList,
  reader: string,
): MessageInitShape<typeof WatchProvidersResponseSchema> {
  const byPlugin = new Map<string, ProviderRecord[]>();
  for (const record of list.providers) {
    if (record.plugin === reader) continue;
    const known = byPlugin.get(record.plugin);
    if (known === undefined) byPlugin.set(record.plugin, [record]);
    else known.push(record);
  }
  return {
    cursor: cursorToWire(list.cursor),
    snapshot: list.snapshot,
    providers: [...byPlugin].map(([plugin, records]) => describeProvider(plugin, records)),
  };
}

const order: readonly ProviderRecord["health"][] = ["healthy", "degraded", "unhealthy"];

/** A plugin is as well as the best of its instances. */
function describeProvider(plugin: string, records: readonly ProviderRecord[]): Provider {
  const best = order.find((health) => records.some((record) => record.health === health)) ?? "unhealthy";
  const shown = records.find((record) => record.health === best);
  return create(ProviderSchema, {
    plugin,
    version: shown?.version ?? "",
    available: best !== "unhealthy",
    health: healthStateToWire(best),
  });
}
