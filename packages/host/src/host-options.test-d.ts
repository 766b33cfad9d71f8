// What the types of a host accept, and what must not compile. Checked by `npm run typecheck`; never run.
import type { EntryHook, PluginEntry } from "@connect-plugin/protocol";
import type { ServiceClient } from "@connect-plugin/rpc";
import { createHost } from "./host.js";
import type { Host } from "./host-api.js";
import { childProcess } from "./launcher/child-process.js";
import { inProcess } from "./launcher/in-process.js";
import { worker } from "./launcher/worker.js";
import type { TextService } from "./testing/text-service.js";

/** As the SDK's `definePlugin` types what it returns. */
interface Defined<Config> extends PluginEntry {
  readonly $connectPlugin: EntryHook & {
    readonly types?: { readonly config: Config; readonly requires: object; readonly provides: object };
  };
}
declare const withPath: Defined<{ path: string; max?: number | undefined }>;
declare const withoutConfig: Defined<undefined>;
declare const handWritten: PluginEntry;
declare const text: TextService;
declare function same<A>(): <B extends A>(value: B) => A extends B ? B : never;

const host = createHost({
  plugins: {
    typed: { launch: inProcess(async () => ({ default: withPath })), config: { path: "./data" } },
    direct: { launch: inProcess(withPath), config: { path: "./data", max: 3 } },
    none: { launch: inProcess(withoutConfig) },
    loose: { launch: inProcess(handWritten), config: { anything: 1 } },
    child: { launch: childProcess({ entry: "./x.plugin.js" }), config: { anything: 1 }, essential: false },
    thread: { launch: worker({ entry: "./x.plugin.js" }), expect: { version: "^1.0.0" } },
  },
  prefer: { "a.v1.A": "typed" },
});

// The host knows its plugins by name.
same<Host<"typed" | "direct" | "none" | "loose" | "child" | "thread">>()(host);
same<ServiceClient<TextService>>()(host.client(text, { plugin: "typed" }));
void host.restart("child");
for (const { plugin, client } of host.each(text)) void client.say({ value: plugin });

// @ts-expect-error there is no such plugin
host.client(text, { plugin: "other" });
// @ts-expect-error there is no such plugin
void host.restart("other");
// @ts-expect-error there is no such method
void host.client(text).shout({});
// @ts-expect-error the message has no such field
void host.client(text).say({ words: "x" });

createHost({
  plugins: {
    // @ts-expect-error the config has another type
    typed: { launch: inProcess(withPath), config: { path: 1 } },
  },
});
createHost({
  plugins: {
    // @ts-expect-error the plugin takes a config
    typed: { launch: inProcess(withPath) },
  },
});
createHost({
  plugins: {
    // @ts-expect-error the plugin takes no config
    none: { launch: inProcess(withoutConfig), config: { path: "./data" } },
  },
});
createHost({
  plugins: {
    // @ts-expect-error a plugin is launched somehow
    nothing: { config: {} },
  },
});
createHost({
  plugins: {},
  // @ts-expect-error deadlines are named with their unit
  deadlines: { start: 1_000 },
});
