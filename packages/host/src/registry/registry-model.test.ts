import { createFailure } from "@connect-plugin/protocol";
import { createInProcessConnection, refuseCalls } from "@connect-plugin/rpc";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createRecord } from "./fixtures/provider-record.js";
import type { ProviderList } from "./provider-watch.js";
import type { Cursor, ProviderRecord, RegistryEntry } from "./record.js";
import { createRegistry } from "./registry.js";

// Everything that can happen to a registry, at random, beside a model that is nothing but a list of records.

const RING = 4;
const closed = createFailure("CONNECTION_CLOSED", "the connection was closed");
const services = ["a.v1.A", "b.v1.B"] as const;
const versions = ["1.0.0", "2.0.0"] as const;

type Step =
  | { readonly do: "register"; readonly plugin: number; readonly offers: readonly number[] }
  | { readonly do: "unregister" | "close"; readonly instance: number }
  | { readonly do: "health"; readonly instance: number; readonly health: ProviderRecord["health"] }
  | { readonly do: "switch"; readonly instance: number; readonly offers: readonly number[] }
  | { readonly do: "watch"; readonly service: number; readonly range: number }
  | { readonly do: "read" | "leave"; readonly watcher: number }
  | { readonly do: "resume"; readonly watcher: number; readonly otherEpoch: boolean };

const small = fc.nat({ max: 5 });
const offers = fc.uniqueArray(fc.nat({ max: 3 }), { maxLength: 2, selector: (offer) => offer % 2 });
const health = fc.constantFrom("healthy", "degraded", "unhealthy");
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant("register" as const), plugin: fc.nat({ max: 2 }), offers }),
    fc.record({ do: fc.constantFrom("unregister" as const, "close" as const), instance: small }),
    fc.record({ do: fc.constant("health" as const), instance: small, health }),
    fc.record({ do: fc.constant("switch" as const), instance: small, offers }),
    fc.record({ do: fc.constant("watch" as const), service: fc.nat({ max: 2 }), range: fc.nat({ max: 2 }) }),
    fc.record({ do: fc.constantFrom("read" as const, "leave" as const), watcher: small }),
    fc.record({ do: fc.constant("resume" as const), watcher: small, otherEpoch: fc.boolean() }),
  ),
  { minLength: 20, maxLength: 80 },
);

/** The view after each revision. */
class Model {
  readonly history: (readonly ProviderRecord[])[] = [[]];

  get now(): readonly ProviderRecord[] {
    return this.history.at(-1) ?? [];
  }

  static fold(records: readonly ProviderRecord[], entry: RegistryEntry): readonly ProviderRecord[] {
    const without = (instance: string) => records.filter(({ instanceId }) => instanceId !== instance);
    switch (entry.type) {
      case "registered":
        return [...records, ...entry.records];
      case "unregistered":
        return without(entry.instanceId);
      case "switched":
        return [...without(entry.old), ...entry.records];
      case "health":
        return records.map((one) =>
          one.instanceId === entry.instanceId ? { ...one, health: entry.health } : one,
        );
    }
  }

  take(entry: RegistryEntry): void {
    const next = Model.fold(this.now, entry);
    if (!isSame(next, this.now)) this.history.push(next);
  }
}

interface Filter {
  readonly service?: string;
  readonly range?: string;
}

class Watcher {
  readonly filter: Filter;
  readonly reader: AsyncIterator<ProviderList, undefined>;
  last: ProviderList | undefined;
  /** A read that has not been answered. */
  pending: Promise<void> | undefined;
  readonly lists: ProviderList[] = [];

  constructor(
    filter: Filter,
    reader: AsyncIterator<ProviderList, undefined>,
    last: ProviderList | undefined,
  ) {
    this.filter = filter;
    this.reader = reader;
    this.last = last;
  }

  read(): void {
    this.pending ??= this.reader.next().then((result) => {
      this.pending = undefined;
      if (!result.done) this.lists.push(result.value);
    });
  }
}

function matching(records: readonly ProviderRecord[], { service, range }: Filter): readonly ProviderRecord[] {
  return records.filter(
    (record) =>
      (service === undefined || record.service === service) &&
      (range === undefined || range === `^${record.version}`),
  );
}

/** Order among plugins and services is part of what is promised; order among instances is not. */
function sorted(records: readonly ProviderRecord[]): readonly string[] {
  return records.map((record) => JSON.stringify(record)).sort();
}

function isSame(a: readonly ProviderRecord[], b: readonly ProviderRecord[]): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

async function flush(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve();
}

async function run(all: readonly Step[]): Promise<void> {
  const registry = createRegistry({ epoch: "now", ringSize: RING, emit: () => {} });
  const model = new Model();
  const instances: { readonly id: string; readonly plugin: string; close(): void }[] = [];
  const watchers: Watcher[] = [];

  function begin(plugin: string): string {
    const id = `${plugin}-${instances.length}`;
    const connection = createInProcessConnection(refuseCalls(() => closed));
    registry.attach(id, connection);
    instances.push({ id, plugin, close: () => connection.close(closed) });
    return id;
  }

  function record(plugin: string, instanceId: string, offer: number): ProviderRecord {
    const service = services[offer % 2] ?? services[0];
    return createRecord({ plugin, instanceId, service, version: versions[offer >> 1] ?? versions[0] });
  }

  function append(entry: RegistryEntry): void {
    expect(registry.append(entry).kind).toBe("appended");
    model.take(entry);
  }

  function watch(filter: Filter, last: ProviderList | undefined, from: Cursor | undefined): Watcher {
    const options = from === undefined ? filter : { ...filter, from };
    return new Watcher(filter, registry.watch(options)[Symbol.asyncIterator](), last);
  }

  function watcherAt(index: number): Watcher | undefined {
    return watchers[index % Math.max(1, watchers.length)];
  }

  function checkLists(watcher: Watcher): void {
    for (const list of watcher.lists.splice(0)) {
      const { revision } = list.cursor;
      expect(sorted(list.providers)).toEqual(sorted(matching(model.history[revision] ?? [], watcher.filter)));
      const plugins = list.providers.map(({ service, plugin }) => `${service} ${plugin}`);
      expect(plugins).toEqual(plugins.toSorted());
      const from = watcher.last?.cursor;
      if (from?.epoch === "now") {
        let changes = 0;
        for (let next = from.revision + 1; next <= revision; next++) {
          const before = matching(model.history[next - 1] ?? [], watcher.filter);
          if (!isSame(before, matching(model.history[next] ?? [], watcher.filter))) changes++;
        }
        // Told of one change, it is that list. Told of several, it says so.
        if (list.snapshot) expect(changes > 1 || revision - from.revision > RING).toBe(true);
        else expect(changes).toBe(1);
      }
      watcher.last = list;
    }
  }

  for (const step of all) {
    switch (step.do) {
      case "register": {
        const plugin = `p${step.plugin}`;
        const instanceId = begin(plugin);
        const records = step.offers.map((offer) => record(plugin, instanceId, offer));
        append({ type: "registered", instanceId, records });
        break;
      }
      case "unregister": {
        const instance = instances.at(-1 - step.instance);
        if (instance !== undefined) append({ type: "unregistered", instanceId: instance.id, reason: "test" });
        break;
      }
      case "close": {
        const instance = instances.at(-1 - step.instance);
        if (instance === undefined) break;
        instance.close();
        await flush();
        model.take({ type: "unregistered", instanceId: instance.id, reason: "closed" });
        break;
      }
      case "health": {
        const instance = instances.at(-1 - step.instance);
        if (instance !== undefined) append({ type: "health", instanceId: instance.id, health: step.health });
        break;
      }
      case "switch": {
        const instance = instances.at(-1 - step.instance);
        if (instance === undefined) break;
        const { plugin, id: old } = instance;
        const next = begin(plugin);
        append({
          type: "switched",
          plugin,
          old,
          records: step.offers.map((offer) => record(plugin, next, offer)),
        });
        break;
      }
      case "watch": {
        const service = services[step.service];
        const version = versions[step.range];
        const filter = {
          ...(service === undefined ? {} : { service }),
          ...(version === undefined ? {} : { range: `^${version}` }),
        };
        watchers.push(watch(filter, undefined, undefined));
        break;
      }
      case "read":
        watcherAt(step.watcher)?.read();
        break;
      case "leave": {
        const watcher = watcherAt(step.watcher);
        await watcher?.reader.return?.();
        break;
      }
      case "resume": {
        const watcher = watcherAt(step.watcher);
        if (watcher === undefined) break;
        await watcher.reader.return?.();
        await flush();
        checkLists(watcher);
        const { last } = watcher;
        const from = step.otherEpoch ? { epoch: "before", revision: 1 } : last?.cursor;
        watchers[watchers.indexOf(watcher)] = watch(watcher.filter, step.otherEpoch ? undefined : last, from);
        break;
      }
    }
    await flush();
    for (const watcher of watchers) checkLists(watcher);
    expect(sorted(registry.snapshot().records)).toEqual(sorted(model.now));
    expect(registry.cursor).toEqual({ epoch: "now", revision: model.history.length - 1 });
  }

  // Whoever reads on ends with the present view.
  for (const [index, watcher] of watchers.entries()) {
    await watcher.reader.return?.();
    await flush();
    checkLists(watcher);
    const from = watcher.last?.cursor;
    const resumed = watch(watcher.filter, watcher.last, from);
    watchers[index] = resumed;
    resumed.read();
    await flush();
    checkLists(resumed);
    expect(sorted(resumed.last?.providers ?? [])).toEqual(sorted(matching(model.now, watcher.filter)));
  }

  // The log gives the view, from every revision that it still knows.
  for (const [revision, before] of model.history.entries()) {
    const since = registry.entriesSince({ epoch: "now", revision });
    expect(since.kind).toBe(revision < model.history.length - 1 - RING ? "too-old" : "entries");
    if (since.kind === "too-old") continue;
    const after = since.entries.map(({ entry }) => entry).reduce(Model.fold, before);
    expect(sorted(after)).toEqual(sorted(model.now));
  }

  for (const watcher of watchers) await watcher.reader.return?.();
  expect(registry.watches).toBe(0);
}

test("a registry and all who watch it agree with a list of records", async () => {
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 200 });
});
