import { failureInfo } from "@connect-plugin/rpc";
import { describe, expect, it } from "vitest";
import { refused } from "./launch-failure.js";

/** The words about an import that failed with this message and stack, after those that name plugin and file. */
function wordsOf(message: string, frames: readonly string[] = []): string {
  const stack = [`Error: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join("\n");
  const error = refused("kv", "/app/kv.plugin.js", { reason: "IMPORT_FAILED", message, stack });
  expect(failureInfo(error)).toMatchObject({ reason: "IMPORT_FAILED", fault: "plugin" });
  return /threw while it was imported: (.*)$/s.exec(error.message)?.[1] ?? error.message;
}

describe("an import that failed", () => {
  it("shows where in the plugin, without the frames of Node and of what loaded it", () => {
    const frames = [
      "misuse (file:///app/node_modules/@connect-plugin/plugin/dist/define/create-manifest.js:13:33)",
      "connect (file:///app/node_modules/@connect-plugin/postgres/dist/connect.js:3:9)",
      "file:///app/kv.plugin.js:4:1",
      "ModuleJob.run (node:internal/modules/esm/module_job:325:25)",
      "async node:internal/modules/esm/loader:606:24",
      "async importEntry (file:///repo/packages/host/dist/launcher/bootstrap/run-entry.js:87:21)",
    ];
    expect(wordsOf("no disk", frames)).toBe(
      "no disk\n" +
        "    at connect (file:///app/node_modules/@connect-plugin/postgres/dist/connect.js:3:9)\n" +
        "    at file:///app/kv.plugin.js:4:1",
    );
  });

  it("keeps the lines of its message, each indented and none with control characters", () => {
    expect(wordsOf("Cannot find module 'a'\nDid you mean \u001b[2J\"a.js\"?")).toBe(
      "Cannot find module 'a'\n    Did you mean \\x1b[2J\"a.js\"?",
    );
  });

  it("says what to do about a source file", () => {
    expect(wordsOf('Unknown file extension ".ts" for /app/kv.plugin.ts')).toBe(
      'Unknown file extension ".ts" for /app/kv.plugin.ts; compile it, and let the entry name the .js file',
    );
    expect(wordsOf('Unknown file extension ".txt" for /app/kv.txt')).toBe(
      'Unknown file extension ".txt" for /app/kv.txt',
    );
  });
});
