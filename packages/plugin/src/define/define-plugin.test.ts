import { checkEntry } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { NotesService, TagService } from "../fixtures/gen/notes/v1/notes_pb.js";
import { definePlugin } from "./define-plugin.js";
import { capability, each, optional, requires } from "./need.js";
import { provides } from "./offer.js";

const start = () => ({});

/** What JavaScript, or a cast, can hand in. */
function define(options: unknown): unknown {
  return definePlugin(options as Parameters<typeof definePlugin>[0]);
}

describe("the manifest", () => {
  const definition = definePlugin({
    name: "notes",
    version: "1.4.0-rc.1",
    provides: { notes: provides(NotesService, "1.2.0") },
    requires: {
      must: requires(TagService, "^1.0.0"),
      perhaps: optional(TagService, "~1.2"),
      all: each(TagService, "*"),
      lent: capability(TagService, "^2", { methods: ["suggest"] }),
    },
    config: z.object({ path: z.string() }),
    instances: "one",
    start: () => ({ services: { notes: {} as never } }),
  });

  test("says what the plugin declared", () => {
    const { manifest, abi } = definition.$connectPlugin;
    expect(abi).toBe(1);
    expect(manifest).toEqual({
      name: "notes",
      version: "1.4.0-rc.1",
      instances: "one",
      sdk: { name: "@connect-plugin/plugin", version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
      provides: [
        {
          key: "notes",
          service: "notes.v1.NotesService",
          version: "1.2.0",
          methods: [
            { name: "Read", kind: "unary", idempotency: "no_side_effects" },
            { name: "Follow", kind: "server_streaming", idempotency: "unknown" },
            { name: "Import", kind: "client_streaming", idempotency: "unknown" },
            { name: "Echo", kind: "bidi_streaming", idempotency: "unknown" },
          ],
        },
      ],
      requires: [
        { key: "must", service: "notes.v1.TagService", range: "^1.0.0", arity: "one", methods: [] },
        { key: "perhaps", service: "notes.v1.TagService", range: "~1.2", arity: "optional", methods: [] },
        { key: "all", service: "notes.v1.TagService", range: "*", arity: "each", methods: [] },
        {
          key: "lent",
          service: "notes.v1.TagService",
          range: "^2",
          arity: "capability",
          methods: ["Suggest"],
        },
      ],
    });
  });

  test("is one that a host's bootstrap takes", () => {
    expect(checkEntry(definition, "notes.plugin.js")).toMatchObject({ ok: true });
    expect(checkEntry(definePlugin({ name: "a", version: "1.0.0", start }), "a.js")).toMatchObject({
      ok: true,
    });
  });
});

describe("misuse is a TypeError that names plugin, key and value", () => {
  const valid = { name: "notes", version: "1.0.0", start };
  const cases: readonly [title: string, options: unknown, message: string][] = [
    ["no argument", undefined, "definePlugin: the argument must be an object, but is undefined"],
    [
      "no name",
      { ...valid, name: undefined },
      'definePlugin: name must be a string such as "kv-store", but is undefined',
    ],
    [
      "a bad name",
      { ...valid, name: "my notes" },
      'definePlugin: name: it must be letters, digits, "_", "." and "-", beginning with a letter, but is "my notes"',
    ],
    [
      "a name that is too long",
      { ...valid, name: "n".repeat(129) },
      `definePlugin: plugin "${"n".repeat(129)}": name: a package name must be at most 128 bytes long, but has 129`,
    ],
    [
      "a bad version",
      { ...valid, version: "v1" },
      'definePlugin: plugin "notes": version must be a semantic version such as "1.4.0", but is the text "v1"',
    ],
    [
      "bad instances",
      { ...valid, instances: 2 },
      'definePlugin: plugin "notes": instances must be "many" or "one", but is the number 2',
    ],
    [
      "no start",
      { name: "notes", version: "1.0.0" },
      'definePlugin: plugin "notes": start must be a function, but is undefined',
    ],
    [
      "an unknown option",
      { ...valid, require: {} },
      'definePlugin: plugin "notes": there is no option "require"; options are name, version, provides, requires, config, instances, start',
    ],
    [
      "a config that is no schema",
      { ...valid, config: { path: "string" } },
      'definePlugin: plugin "notes": config must be a Standard Schema (of zod, valibot, arktype …), but is an object with the key path',
    ],
    [
      "provides as an array",
      { ...valid, provides: [NotesService] },
      'definePlugin: plugin "notes": provides must be an object of keys and declarations, but is an array of 1',
    ],
    [
      "a bare service",
      { ...valid, provides: { notes: NotesService } },
      'definePlugin: plugin "notes": provides.notes must come from provides(Service, version), but is the service notes.v1.NotesService itself',
    ],
    [
      "a bad key",
      { ...valid, provides: { "my-notes": provides(NotesService, "1.0.0") } },
      'definePlugin: plugin "notes": provides: a key must be ASCII letters, digits, _ and $, not beginning with a digit, but is "my-notes"',
    ],
    [
      "a service that does not exist",
      { ...valid, provides: { notes: provides(undefined as never, "1.0.0") } },
      'definePlugin: plugin "notes": provides.notes: the service must be a descriptor generated by protoc-gen-es, such as KvService of "./gen/kv_pb.js", but is undefined (an import that does not exist, or one of a cycle?)',
    ],
    [
      "a method for a service",
      { ...valid, requires: { notes: requires(NotesService.method.read as never, "^1") } },
      'definePlugin: plugin "notes": requires.notes: the service must be a descriptor generated by protoc-gen-es, such as KvService of "./gen/kv_pb.js", but is the method Read',
    ],
    [
      "a range for a version",
      { ...valid, provides: { notes: provides(NotesService, "^1.0.0" as "1.0.0") } },
      'definePlugin: plugin "notes": provides.notes: version of notes.v1.NotesService must be a semantic version such as "1.2.0", but is the text "^1.0.0"',
    ],
    [
      "a bad range",
      { ...valid, requires: { tags: requires(TagService, "one") } },
      'definePlugin: plugin "notes": requires.tags: range of notes.v1.TagService must be a semver range such as "^1.2.0", but is the text "one"',
    ],
    [
      "an offer as a need",
      { ...valid, requires: { tags: provides(TagService, "1.0.0") } },
      'definePlugin: plugin "notes": requires.tags must come from requires(), optional(), each() or capability(), but is an object with the keys kind, desc, version',
    ],
    [
      "an unknown method",
      { ...valid, requires: { tags: capability(TagService, "^1", { methods: ["remember" as "suggest"] }) } },
      'definePlugin: plugin "notes": requires.tags: notes.v1.TagService has no method "remember"; it has suggest, forget',
    ],
    [
      "a service offered twice",
      { ...valid, provides: { a: provides(NotesService, "1.0.0"), b: provides(NotesService, "2.0.0") } },
      'definePlugin: plugin "notes": provides.a and provides.b both offer notes.v1.NotesService; a plugin offers a service once',
    ],
    [
      "a key on both sides",
      {
        ...valid,
        provides: { tags: provides(NotesService, "1.0.0") },
        requires: { tags: requires(TagService, "^1") },
      },
      'definePlugin: plugin "notes": the key "tags" is under both provides and requires; give one of them another name',
    ],
  ];
  test.each(cases)("%s", (_, options, message) => {
    expect(() => define(options)).toThrow(new TypeError(message));
  });

  test("a service of connect-plugin itself", async () => {
    const { PluginControl } = await import("@connect-plugin/protocol");
    expect(() => define({ ...valid, provides: { control: provides(PluginControl, "1.0.0") } })).toThrow(
      new TypeError(
        'definePlugin: plugin "notes": provides.control: connectplugin.v1.PluginControl belongs to connect-plugin itself; the package "connectplugin" is reserved',
      ),
    );
  });
});

test("a function may be a schema, as arktype's are", () => {
  const schema = Object.assign(() => undefined, {
    "~standard": { version: 1 as const, vendor: "test", validate: (value: unknown) => ({ value }) },
  });
  expect(() => definePlugin({ name: "x", version: "1.0.0", config: schema, start })).not.toThrow();
});
