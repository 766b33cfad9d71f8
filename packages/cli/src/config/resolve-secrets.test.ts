import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveSecrets } from "./resolve-secrets.js";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "cp-secrets-"));
  await writeFile(join(directory, "password"), "from a file\n");
});
afterAll(() => rm(directory, { recursive: true }));

const resolve = (value: unknown) =>
  resolveSecrets(value, "plugins.kv.config", {
    file: join(directory, "c.yaml"),
    environment: { TOKEN: "from the environment" },
  });

describe("resolveSecrets", () => {
  it("puts values in at any depth and leaves the rest alone", async () => {
    const value = {
      a: [{ $secret: { env: "TOKEN" } }, 1],
      b: { c: { $secret: { file: "./password" } } },
      d: null,
    };
    await expect(resolve(value)).resolves.toEqual({
      a: ["from the environment", 1],
      b: { c: "from a file" },
      d: null,
    });
  });

  it("names the place and the variable that is not set", async () => {
    await expect(resolve({ x: { $secret: { env: "NONE" } } })).rejects.toThrow(
      "plugins.kv.config.x: the environment variable NONE is wanted here and is not set",
    );
  });

  it("names a file that cannot be read", async () => {
    await expect(resolve({ x: { $secret: { file: "gone" } } })).rejects.toThrow(
      /config\.x: the secret's file .*gone cannot be read \(ENOENT\)/,
    );
  });

  it("refuses a $secret of another form", async () => {
    await expect(resolve({ $secret: "plain" })).rejects.toThrow("wanted { $secret: { env: NAME } }");
    await expect(resolve({ $secret: { env: "TOKEN" }, more: 1 })).rejects.toThrow("nothing beside it");
  });
});
