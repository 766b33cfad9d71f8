import type { PluginEntry } from "@connect-plugin/protocol";
import { expectTypeOf } from "vitest";
import { childProcess } from "./child-process.js";
import { inProcess } from "./in-process.js";
import type { ConfiguredEntry, Launch } from "./launch.js";
import { worker } from "./worker.js";

declare const kv: ConfiguredEntry<{ path: string }>;
declare const plain: PluginEntry;

// An in-process launcher knows the config of its plugin.
expectTypeOf(inProcess(kv)).toEqualTypeOf<Launch<{ path: string }>>();
expectTypeOf(inProcess(async () => ({ default: kv }))).toEqualTypeOf<Launch<{ path: string }>>();

// Where nothing is known of it, anything may be written.
expectTypeOf(inProcess(plain)).toEqualTypeOf<Launch<unknown>>();
expectTypeOf(inProcess({ entry: "kv.js" })).toEqualTypeOf<Launch<unknown>>();
expectTypeOf(worker({ entry: "kv.js" })).toEqualTypeOf<Launch>();
expectTypeOf(childProcess({ entry: new URL("file:///kv.js") })).toEqualTypeOf<Launch>();

// @ts-expect-error no plugin
inProcess({ default: kv });
// @ts-expect-error nothing to load
inProcess("kv.js");
