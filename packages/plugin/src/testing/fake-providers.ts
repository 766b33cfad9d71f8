import type { DescService } from "@bufbuild/protobuf";
import { type CallHandler, createFailure, type Manifest } from "@connect-plugin/protocol";
import { createServiceEnd } from "@connect-plugin/rpc";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Needs } from "../define/need.js";
import { type ChangeFeed, createChangeFeed } from "../session/change-feed.js";
import { leastVersion } from "../session/least-version.js";

/** Who provides what the plugin under test needs. */
export interface FakeProviders {
  readonly changes: ChangeFeed;
  /** The plugins that provide a service now, with their versions. */
  list(service: string): readonly { readonly plugin: string; readonly version: string }[];
  /** Who answers a call: the plugin that it names, or the first. */
  pick(service: string, target: string | undefined): CallHandler | undefined;
  /** Puts stand-ins under a key of `requires`; none takes away what is there. */
  set(key: string, fake: unknown): void;
}

/** What provides a need that is for one provider, where a test does not care what it is called. */
function providerName(key: string): string {
  return `fake-${key.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
}

export function createFakeProviders(manifest: Manifest, requires: Needs): FakeProviders {
  const byKey = new Map<string, ReadonlyMap<string, CallHandler>>();
  const changes = createChangeFeed();
  const keysOf = (service: string) => manifest.requires.filter((need) => need.service === service);

  function* providersOf(service: string): Generator<[plugin: string, version: string, handler: CallHandler]> {
    for (const need of keysOf(service)) {
      for (const [plugin, handler] of byKey.get(need.key) ?? [])
        yield [plugin, leastVersion(need.range) ?? "1.0.0", handler];
    }
  }

  return {
    changes,
    list(service) {
      const found = new Map<string, string>();
      for (const [plugin, version] of providersOf(service)) found.set(plugin, version);
      return [...found]
        .map(([plugin, version]) => ({ plugin, version }))
        .sort((a, b) => (a.plugin < b.plugin ? -1 : 1));
    },
    pick(service, target) {
      for (const [plugin, , handler] of providersOf(service)) {
        if (target === undefined || target === plugin) return handler;
      }
      return undefined;
    },
    set(key, fake) {
      const need = manifest.requires.find((candidate) => candidate.key === key);
      const desc = requires[key]?.desc;
      if (need === undefined || desc === undefined) {
        const keys = manifest.requires.map((candidate) => candidate.key).join(", ");
        throw new TypeError(
          `testPlugin: the plugin does not require "${key}"; it requires ${keys || "nothing"}`,
        );
      }
      const fakes = fake === undefined ? {} : need.arity === "each" ? fake : { [providerName(key)]: fake };
      const handlers = Object.entries(fakes as object).map(
        ([plugin, implementation]) => [plugin, createFakeEnd(desc, implementation)] as const,
      );
      byKey.set(key, new Map(handlers));
      changes.changed();
    },
  };
}

/** Serves a service of which a test implements what it cares for. */
export function createFakeEnd(desc: DescService, fake: object): CallHandler {
  const implementation: Record<string, unknown> = {};
  for (const { localName, name } of desc.methods) {
    const method: unknown = Reflect.get(fake, localName);
    implementation[localName] =
      typeof method === "function" ? method.bind(fake) : refuse(desc.typeName, name);
  }
  return createServiceEnd({ services: [{ desc, implementation }] });
}

function refuse(service: string, method: string) {
  return () => {
    throw new ConnectError(`the test has no stand-in for ${service}/${method}`, Code.Unimplemented);
  };
}

/** The failure of a call that nobody answers. */
export function noProvider(service: string, target: string | undefined) {
  const what =
    target === undefined ? `Nobody provides ${service}` : `Plugin "${target}" does not provide ${service}`;
  return createFailure("NO_PROVIDER", `${what} in this test.`, { facts: { service } });
}
