import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { failureInfo } from "@connect-plugin/rpc";
import { describe, expect, it } from "vitest";
import { entryFile, requireEntryFile } from "./entry-file.js";

describe("entryFile", () => {
  it.each([
    ["a relative path", "plugins/kv.js"],
    ["an absolute path", resolve("plugins/kv.js")],
    ["a URL", pathToFileURL(resolve("plugins/kv.js"))],
    ["a URL as text", pathToFileURL(resolve("plugins/kv.js")).href],
  ])("takes %s", (_, value) => {
    const path = resolve("plugins/kv.js");
    expect(entryFile("entry", value)).toEqual({ path, url: pathToFileURL(path).href });
  });

  it("escapes what a URL must escape", () => {
    expect(entryFile("entry", "/a b#c?.js").url).toBe("file:///a%20b%23c%3F.js");
  });

  it.each([
    [undefined, "undefined"],
    ["", 'the text ""'],
    ["https://example.test/kv.js", 'the text "https://example.test/kv.js"'],
    ["a\0b", 'the text "a\\x00b"'],
    [7, "the number 7"],
  ])("refuses %j", (value, found) => {
    expect(() => entryFile("childProcess: entry", value)).toThrow(
      new TypeError(`childProcess: entry must be a path or a file: URL, but is ${found}`),
    );
  });

  it("refuses a URL of another kind", () => {
    expect(() => entryFile("entry", new URL("https://example.test/kv.js"))).toThrow(TypeError);
  });
});

describe("requireEntryFile", () => {
  it.each([
    ["/nowhere/kv.js", "found nothing"],
    [resolve("package.json/kv.js"), "found nothing"],
    [resolve("packages"), "found a directory"],
  ])("says what is at %s", async (path, found) => {
    const refusal: unknown = await requireEntryFile("kv", entryFile("entry", path)).catch((error) => error);
    expect(failureInfo(refusal)).toMatchObject({
      reason: "PLUGIN_FILE_MISSING",
      fault: "operator",
      facts: { plugin: "kv", path },
    });
    expect((refusal as Error).message).toContain(
      `plugin "kv": wanted its file at ${path}, ${found}; correct the entry`,
    );
  });

  it("is content with a file", async () => {
    await expect(requireEntryFile("kv", entryFile("entry", "package.json"))).resolves.toBeUndefined();
  });
});
