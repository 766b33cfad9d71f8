import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ConfigError } from "./config-error.js";
import { readConfig } from "./read-config.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cp-config-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function problems(text: string): Promise<string[]> {
  const file = join(directory, "connect-plugin.yaml");
  await writeFile(file, text);
  try {
    await readConfig(file);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
  return [];
}

describe("readConfig", () => {
  it("fills in the defaults", async () => {
    const file = join(directory, "good.yaml");
    await writeFile(file, "plugins: { kv: { entry: ./kv.js } }\n");
    await expect(readConfig(file)).resolves.toEqual({
      name: "host",
      prefer: {},
      deadlines: {},
      limits: {},
      plugins: { kv: { entry: "./kv.js", distance: "child-process", essential: true } },
    });
  });

  it("refuses unknown keys with their place and the nearest known one", async () => {
    expect(await problems("plugins:\n  kv:\n    entry: ./kv.js\n    distnce: worker\n")).toEqual([
      '4:14 plugins.kv.distnce: unknown key; did you mean "distance"?',
    ]);
    expect(await problems("plugin:\n  kv: { entry: a }\nplugins: { kv: { entry: a } }\n")).toEqual([
      '2:3 plugin: unknown key; did you mean "plugins"?',
    ]);
  });

  it("lists the known keys where none is alike", async () => {
    const [first] = await problems("plugins: { kv: { entry: a, zzzzzz: 1 } }\n");
    expect(first).toContain("plugins.kv.zzzzzz: unknown key; known here: entry, distance, config, essential");
  });

  it("names wrong types by path, all of them at once", async () => {
    const found = await problems("name: 7\nplugins:\n  kv: { entry: a, essential: sometimes }\n");
    expect(found).toEqual([
      "1:7 name: wanted a text, found a number",
      "3:30 plugins.kv.essential: wanted a boolean, found a text",
    ]);
  });

  it("says what is missing, and which choices there are", async () => {
    expect(await problems("plugins:\n  kv: { distance: thread }\n  audit:\n")).toEqual([
      "2:7 plugins.kv.entry: is missing; wanted a text",
      '2:19 plugins.kv.distance: wanted one of "child-process", "worker", "in-process"; found "thread"',
      "3:9 plugins.audit: wanted keys with values, found nothing",
    ]);
  });

  it("wants a plugin", async () => {
    expect(await problems("plugins: {}\n")).toEqual(["1:10 plugins: at least one plugin is wanted"]);
    expect(await problems("")).toEqual(["1:1 plugins: is missing; wanted keys with values"]);
  });

  it("refuses names that no plugin may have, at their place", async () => {
    const [first, ...others] = await problems("plugins:\n  kv: { entry: a }\n  Kv Store: { entry: b }\n");
    expect(first).toMatch(/^3:\d+ plugins\.Kv Store: a plugin name .*lower-case letters/);
    expect(others).toEqual([]);
  });

  it("refuses to prefer a plugin that there is not, and names those that there are", async () => {
    expect(await problems("plugins: { kv: { entry: a } }\nprefer: { kv.v1.Kv: vk }\n")).toEqual([
      '2:21 prefer.kv.v1.Kv: there is no plugin "vk"; did you mean "kv"?',
    ]);
    expect(await problems("plugins: { kv: { entry: a } }\nprefer: { kv.v1.Kv: storage }\n")).toEqual([
      '2:21 prefer.kv.v1.Kv: there is no plugin "storage"; there are: kv',
    ]);
  });

  it("refuses entries that are neither a path nor a file: URL", async () => {
    expect(await problems("plugins: { kv: { entry: 'https://example.org/kv.js' } }\n")).toEqual([
      "1:25 plugins.kv.entry: wanted a path or a file: URL, found a URL of another kind",
    ]);
  });

  it("refuses aliases that stand for more than there is memory", async () => {
    const levels = "abcdefgh".split("").map((letter, index, letters) => {
      const before = letters[index - 1];
      return `${letter}: &${letter} [${Array(9).fill(before === undefined ? "x" : `*${before}`)}]\n`;
    });
    const [first] = await problems(`${levels.join("")}plugins: { kv: { entry: a, config: *h } }\n`);
    expect(first).toMatch(/^1:1 not usable YAML: Excessive alias count/);
  });

  it("shows where the YAML itself is broken", async () => {
    const [first] = await problems("plugins: { kv: \n");
    expect(first).toContain("not valid YAML");
  });

  it("says what to do about a missing file", async () => {
    await expect(readConfig(join(directory, "none.yaml"))).rejects.toThrow(
      /there is no such file\. Give the path/,
    );
  });
});

describe("door", () => {
  const withDoor = (door: string) => `plugins: { kv: { entry: ./kv.js } }\ndoor: ${door}\n`;

  it.each([
    "{ listen: 127.0.0.1:7480 }",
    "{ listen: '[::1]:0' }",
    "{ listen: 'unix:./door.sock' }",
    "{ listen: 0.0.0.0:443, tls: { cert: a.pem, key: b.pem }, tokens: t.json }",
    "{ listen: localhost:80, cors: { origins: ['*', 'https://app.example:8080'], maxAgeSeconds: 0 } }",
  ])("takes %s", async (door) => {
    expect(await problems(withDoor(door))).toEqual([]);
  });

  it.each([
    ["{ listen: somewhere }", "2:17 door.listen: wanted HOST:PORT such as 127.0.0.1:8443, or unix:PATH"],
    ["{ listen: ::1:80 }", "2:17 door.listen: wanted HOST:PORT such as 127.0.0.1:8443, or unix:PATH"],
    ["{ listen: a:99999 }", "2:17 door.listen: wanted HOST:PORT such as 127.0.0.1:8443, or unix:PATH"],
    [
      "{ listen: a:1, cors: { origins: [app.example] } }",
      '2:40 door.cors.origins.0: wanted "*" or an origin such as https://app.example',
    ],
    ["{ lisen: a:1 }", '2:16 door.lisen: unknown key; did you mean "listen"?'],
  ])("refuses %s", async (door, problem) => {
    expect(await problems(withDoor(door))).toContain(problem);
  });
});
