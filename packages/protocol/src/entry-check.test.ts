import { describe, expect, test, vi } from "vitest";
import { checkEntry } from "./entry-check.js";
import { fullManifest } from "./fixtures/manifests.js";
import type { Boot, Link } from "./plugin-entry.js";

const run = () => Promise.resolve({ stopped: Promise.resolve({ how: "asked", reason: "" }), stop() {} });
const hook = { abi: 1, manifest: fullManifest, run };

function messageOf(exported: unknown): string {
  const check = checkEntry(exported, "./kv.plugin.js");
  return check.ok ? "" : check.failure.message;
}

describe("a default export that is a plugin", () => {
  test("is taken for one, by whichever copy of the SDK it was made", () => {
    const check = checkEntry({ $connectPlugin: hook, later: true }, "./kv.plugin.js");
    expect(check.ok && check.entry.$connectPlugin).toMatchObject({ abi: 1, manifest: fullManifest });
  });

  test("may be of a class", () => {
    class Entry {
      get $connectPlugin() {
        return hook;
      }
    }
    expect(checkEntry(new Entry(), "./kv.plugin.js").ok).toBe(true);
  });

  test("is run on what it was", async () => {
    const original = { ...hook, run: vi.fn(run) };
    const check = checkEntry({ $connectPlugin: original }, "./kv.plugin.js");
    const link = { kind: "pipe" } as Link;
    const boot = { plugin: "kv" } as Boot;
    if (check.ok) await check.entry.$connectPlugin.run(link, boot);
    expect(original.run.mock.calls).toEqual([[link, boot]]);
    expect(original.run.mock.contexts).toEqual([original]);
  });
});

describe("a default export that is no plugin is told as what it is", () => {
  test.each<[unknown, string]>([
    [undefined, "it has no default export; write `export default definePlugin({ … })`"],
    [null, "its default export is null, not a plugin; write `export default definePlugin({ … })`"],
    [
      function start() {},
      "its default export is a function named start, not a plugin; write `export default definePlugin({ … })`",
    ],
    [
      { name: "kv", version: "1.0.0" },
      "its default export is an object with the keys name, version, not a plugin; write `export default definePlugin({ … })`",
    ],
    [
      { default: { $connectPlugin: hook } },
      "its default export is an object with the key default, not a plugin; the plugin is in its `default`: it was built as CommonJS, build it as an ES module",
    ],
    [{ $connectPlugin: 3 }, "its $connectPlugin is the number 3, not an object; build it with the SDK"],
    [
      { $connectPlugin: { ...hook, run: "now" } },
      'its $connectPlugin.run is the text "now", not a function; build it with the SDK',
    ],
    [
      { $connectPlugin: { ...hook, manifest: { ...fullManifest, version: "one" } } },
      'the manifest is not valid: version: must be a semantic version such as 1.2.0, but is "one"',
    ],
  ])("%#", (exported, problem) => {
    expect(checkEntry(exported, "./kv.plugin.js")).toMatchObject({
      ok: false,
      failure: {
        code: 9,
        message: `./kv.plugin.js is not a plugin: ${problem}`,
        info: { reason: "NOT_A_PLUGIN", fault: "plugin", facts: { file: "./kv.plugin.js" } },
      },
    });
  });

  test("without control characters of its file name", () => {
    expect(checkEntry(undefined, "a\nb.js")).toMatchObject({
      failure: { message: expect.stringContaining("a\\nb.js is not a plugin") },
    });
  });
});

describe("a plugin of another version of the contract", () => {
  test.each<[unknown, string]>([
    [2, "wanted 1, found the number 2; upgrade this host"],
    [0, "wanted 1, found the number 0; upgrade the SDK of the plugin"],
    [undefined, "wanted 1, found undefined; upgrade the SDK of the plugin"],
  ])("%s is refused before anything else of it is read", (abi, rest) => {
    expect(checkEntry({ $connectPlugin: { abi } }, "./kv.plugin.js")).toMatchObject({
      ok: false,
      failure: {
        code: 9,
        message: `./kv.plugin.js was built for another version of the contract between host and plugin file: ${rest}`,
        info: { reason: "ENTRY_ABI_UNSUPPORTED", fault: "plugin" },
      },
    });
  });
});

test("a service provided twice is told as that", () => {
  const provides = [
    ...fullManifest.provides,
    { key: "more", service: "kv.v1.KvService", version: "1.0.0", methods: [] },
  ];
  expect(messageOf({ $connectPlugin: { ...hook, manifest: { ...fullManifest, provides } } })).toBe(
    "package kv-store: the service kv.v1.KvService is provided twice, as kv and as more; a plugin provides a service once, under one key",
  );
});
