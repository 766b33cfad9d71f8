// What must compile, and what must not. Checked by `tsc -p tsconfig.test.json`; nothing here runs.
import type { EntryHook, PluginEntry } from "@connect-plugin/protocol";
import type { Implementation, ServiceClient } from "@connect-plugin/rpc";
import type { Client, ServiceImpl } from "@connectrpc/connect";
import { z } from "zod";
import { NotesService, type SuggestResponse, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { definePlugin } from "./define-plugin.js";
import { capability, each, optional, requires } from "./need.js";
import { provides } from "./offer.js";
import type { OptionalService, PluginContext, Provider, Providers, ResolvedNeeds } from "./plugin-context.js";
import type { PluginDefinition } from "./plugin-definition.js";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function holds<T extends true>(): T | undefined {
  return undefined;
}

// ---- everything at once: needs, config and all four kinds are inferred
export const notes = definePlugin({
  name: "notes",
  version: "1.4.0",
  provides: { notes: provides(NotesService, "1.2.0") },
  requires: {
    must: requires(TagService, "^1.0.0"),
    perhaps: optional(TagService, "^1.0.0"),
    all: each(TagService, "^1"),
    lent: capability(TagService, "^1", { methods: ["suggest"] }),
    whole: capability(TagService, "*"),
  },
  config: z.object({ path: z.string(), max: z.number().default(10) }),
  instances: "one",
  async start(ctx) {
    holds<Equal<typeof ctx.config, { path: string; max: number }>>();
    holds<Equal<typeof ctx.services.must, ServiceClient<typeof TagService>>>();
    holds<Equal<typeof ctx.services.perhaps, OptionalService<typeof TagService>>>();
    holds<Equal<typeof ctx.services.all, Providers<typeof TagService>>>();
    const answer: SuggestResponse = await ctx.services.must.suggest({ text: "x" });
    await ctx.services.must.suggest({ text: answer.tags[0] ?? "" }, { detached: true, timeoutMs: 5 });
    if (ctx.services.perhaps.available) await ctx.services.perhaps.client.suggest({ text: "x" });
    for await (const available of ctx.services.perhaps.changes(ctx.signal))
      holds<Equal<typeof available, boolean>>();
    for (const { plugin, version, client } of ctx.services.all)
      await client.forget({ tag: plugin + version });
    await ctx.services.all.get("alpha")?.forget({ tag: "x" });
    await ctx.services.lent.suggest({ text: "x" });
    await ctx.services.whole.forget({ tag: "x" });
    // @ts-expect-error this method was not asked for
    await ctx.services.lent.forget({ tag: "x" });
    // @ts-expect-error a provider may be gone
    await ctx.services.all.get("alpha").forget({ tag: "x" });
    // @ts-expect-error there is no such need
    void ctx.services.nothing;
    // @ts-expect-error a message has no such field
    await ctx.services.must.suggest({ txt: "x" });
    // @ts-expect-error the host's answer may not be changed
    ctx.config = { path: "", max: 1 };
    ctx.health.degraded("slow", [TagService.typeName]);
    ctx.log.warn("slow", { ms: 3 });
    void (ctx.plugin.name + ctx.plugin.instanceId + ctx.plugin.runtimeId);
    return {
      services: {
        notes: {
          async read({ name }, call) {
            void call.onBehalfOf.map((caller) => caller.name);
            void (call.deadline - performance.now());
            return { text: name + call.caller.name };
          },
          async *follow({ name, count }, call) {
            for (let n = 0; n < count && !call.draining.aborted; n++) yield { text: name };
          },
          async import(requests) {
            let count = 0;
            for await (const _ of requests) count++;
            return { count };
          },
          async *echo(requests) {
            for await (const { text } of requests) yield { text };
          },
        },
      },
      stop() {},
    };
  },
});
holds<
  Equal<
    typeof notes extends PluginDefinition<infer C> ? C : never,
    { path: string; max?: number | undefined }
  >
>();

// ---- shapes that authors write
export const withoutArgument = definePlugin({
  name: "tags",
  version: "1.0.0-rc.1",
  provides: { tags: provides(TagService, "1.0.0") },
  start() {
    return {
      services: {
        tags: {
          suggest({ text }, call) {
            return { tags: [text.toUpperCase(), call.caller.name] };
          },
          forget: () => ({}),
        },
      },
    };
  },
});
export const arrow = definePlugin({
  name: "tags",
  version: "1.0.0",
  provides: { tags: provides(TagService, "1.0.0+build.5") },
  start: async () => ({
    services: { tags: { suggest: ({ text }) => ({ tags: [text] }), forget: async () => ({}) } },
  }),
});
export const consumerOnly = definePlugin({
  name: "reader",
  version: "1.0.0",
  requires: { tags: requires(TagService, "^1") },
  async start(ctx) {
    await ctx.services.tags.suggest({});
    return {};
  },
});
declare const legacy: ServiceImpl<typeof TagService>;
export const connectImplementation = definePlugin({
  name: "tags",
  version: "1.0.0",
  provides: { tags: provides(TagService, "1.0.0") },
  start: () => ({ services: { tags: legacy } }),
});
class Tags implements Implementation<typeof TagService> {
  suggest() {
    return { tags: [] };
  }
  forget() {
    return {};
  }
  close() {}
}
export const classImplementation = definePlugin({
  name: "tags",
  version: "1.0.0",
  provides: { tags: provides(TagService, "1.0.0") },
  start: () => ({ services: { tags: new Tags() }, stop: async () => undefined }),
});
export const asyncConfig = definePlugin({
  name: "x",
  version: "1.0.0",
  config: z.string().transform(async (text) => text.length),
  start(ctx) {
    holds<Equal<typeof ctx.config, number>>();
    return {};
  },
});
holds<Equal<typeof asyncConfig extends PluginDefinition<infer C> ? C : never, string>>();

// ---- what must not compile
export const forgotServices = definePlugin({
  name: "x",
  version: "1.0.0",
  provides: { notes: provides(NotesService, "1.0.0") },
  // @ts-expect-error no implementation
  async start() {
    return {};
  },
});
export const rangeForVersion = definePlugin({
  name: "x",
  version: "1.0.0",
  provides: {
    // @ts-expect-error a range is not a version
    tags: provides(TagService, "^1.0.0"),
  },
  start: () => ({ services: { tags: new Tags() } }),
});
export const wrongPluginVersion = definePlugin({
  name: "x",
  // @ts-expect-error not a version
  version: "1.0",
  start: () => ({}),
});
export const missingMethod = definePlugin({
  name: "x",
  version: "1.0.0",
  provides: { notes: provides(NotesService, "1.0.0") },
  // @ts-expect-error three methods are missing
  start: () => ({ services: { notes: { read: () => ({}) } } }),
});
export const wrongAnswer = definePlugin({
  name: "x",
  version: "1.0.0",
  provides: { tags: provides(TagService, "1.0.0") },
  // @ts-expect-error tags are strings
  start: () => ({ services: { tags: { suggest: () => ({ tags: [1] }), forget: () => ({}) } } }),
});
export const wrongKind = definePlugin({
  name: "x",
  version: "1.0.0",
  provides: { notes: provides(NotesService, "1.0.0") },
  // @ts-expect-error follow is a stream
  start: () => ({ services: { notes: { ...notesImplementation, follow: async () => ({ text: "" }) } } }),
});
declare const notesImplementation: Implementation<typeof NotesService>;
export const returnsNothing = definePlugin({
  name: "x",
  version: "1.0.0",
  // @ts-expect-error start returns at least an empty object
  start() {},
});
export const unknownCapabilityMethod = definePlugin({
  name: "x",
  version: "1.0.0",
  requires: {
    // @ts-expect-error there is no such method
    tags: capability(TagService, "^1", { methods: ["remember"] }),
  },
  start: () => ({}),
});
export const wrongInstances = definePlugin({
  name: "x",
  version: "1.0.0",
  // @ts-expect-error one or many
  instances: "two",
  start: () => ({}),
});
export const unknownOption = definePlugin({
  name: "x",
  version: "1.0.0",
  // @ts-expect-error it is called requires
  require: {},
  start: () => ({}),
});
export const offerAsNeed = definePlugin({
  name: "x",
  version: "1.0.0",
  // @ts-expect-error an offer is no need
  requires: { tags: provides(TagService, "1.0.0") },
  start: () => ({}),
});
/** Not caught by types, because an object may always have more than is asked of it: checked when the plugin starts. */
export const undeclared = definePlugin({
  name: "x",
  version: "1.0.0",
  provides: { tags: provides(TagService, "1.0.0") },
  start: () => ({ services: { tags: new Tags(), notes: {} } }),
});

// ---- helpers of an author's own, outside of definePlugin
declare function connectHelper(client: Client<typeof TagService>): void;
export function helper(
  ctx: PluginContext<{ readonly tags: ReturnType<typeof requires<typeof TagService>> }>,
): void {
  connectHelper(ctx.services.tags);
}
holds<
  Equal<ResolvedNeeds<{ a: ReturnType<typeof each<typeof TagService>> }>["a"], Providers<typeof TagService>>
>();
declare const provider: Provider<typeof TagService>;
connectHelper(provider.client);

// ---- what a host infers, from a copy of the types that is not ours
type Configured<C> = {
  readonly $connectPlugin: EntryHook & { readonly types?: { readonly config: C } };
};
declare function inProcess<C>(load: () => Promise<{ default: Configured<C> }>): {
  readonly take: (config: C) => void;
};
inProcess(async () => ({ default: notes })).take({ path: "./data" });
inProcess(async () => ({ default: consumerOnly })).take(undefined);
// @ts-expect-error a path is a string
inProcess(async () => ({ default: notes })).take({ path: 1 });
// @ts-expect-error the path is missing
inProcess(async () => ({ default: notes })).take({});
declare function take(entry: PluginEntry, definition: PluginDefinition): void;
take(notes, notes);
