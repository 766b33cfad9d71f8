import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "./config-error.js";
import { loadHostOptions } from "./load-host-options.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cp-load-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function load(text: string) {
  const file = join(directory, "connect-plugin.yaml");
  await writeFile(file, text);
  return await loadHostOptions(file, { environment: {} });
}

describe("loadHostOptions", () => {
  it.each(["child-process", "worker", "in-process"])(
    "takes an entry as a path, whatever is in its name (%s)",
    async (distance) => {
      const { plugins } = await load(
        `plugins: { kv: { entry: "./a b#c%20?d.mjs", distance: ${distance} } }\n`,
      );
      expect(plugins.kv?.launch).toMatchObject({ distance, describe: join(directory, "a b#c%20?d.mjs") });
    },
  );

  it("names the plugin and the file where a launcher refuses what they say", async () => {
    const refused = load('plugins: { kv: { entry: ./kv.mjs, environment: { set: { A: "a\\0b" } } } }\n');
    await expect(refused).rejects.toThrow(ConfigError);
    await expect(refused).rejects.toThrow(/plugins\.kv: childProcess: env must hold texts without NUL/);
  });

  it("refuses a heap limit where there is no heap of the plugin's own", async () => {
    const refused = load(
      "plugins: { kv: { entry: ./kv.mjs, distance: in-process, memory: { maxHeapMiB: 64 } } }\n",
    );
    await expect(refused).rejects.toThrow(
      /plugins\.kv: memory: .* no memory of its own; choose another distance/,
    );
  });
});
