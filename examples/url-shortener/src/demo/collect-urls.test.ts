import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { collectUrls } from "./collect-urls.js";

it("collectUrls reads every way of writing a URL, each once", async () => {
  const modules = await mkdtemp(join(tmpdir(), "shortener-modules-"));
  try {
    const packages: Record<string, unknown> = {
      a: { homepage: "https://a.example/", repository: "github:owner/a" },
      b: { repository: { url: "git+https://host.example/b.git" } },
      "@scope/c": { homepage: "https://a.example/", repository: { url: "git+ssh://git@host.example/c.git" } },
      d: { homepage: "not a url", repository: "owner/d" },
      ".bin": {},
    };
    for (const [name, manifest] of Object.entries(packages)) {
      await mkdir(join(modules, name), { recursive: true });
      await writeFile(join(modules, name, "package.json"), JSON.stringify(manifest));
    }
    await mkdir(join(modules, "no-package"));
    expect(await collectUrls(modules)).toEqual([
      "https://a.example/",
      "https://github.com/owner/a",
      "https://github.com/owner/d",
      "https://host.example/b.git",
      "https://host.example/c.git",
    ]);
  } finally {
    await rm(modules, { recursive: true });
  }
});
