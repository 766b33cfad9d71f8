import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The homepage and repository URLs of every dependency that is installed, each once, in alphabetical order. */
export async function collectUrls(nodeModules: string): Promise<string[]> {
  const manifests = await Promise.all((await packageDirectories(nodeModules)).map(readManifest));
  const urls = manifests.flatMap(({ homepage, repository }) => [
    homepage,
    typeof repository === "string" ? repository : repository?.url,
  ]);
  return [...new Set(urls.map(asHttpUrl).filter((url) => url !== undefined))].sort();
}

interface PackageManifest {
  readonly homepage?: string;
  readonly repository?: string | { readonly url?: string };
}

async function packageDirectories(nodeModules: string): Promise<string[]> {
  const names = (await readdir(nodeModules)).filter((name) => !name.startsWith("."));
  const nested = names.map(async (name) => {
    const directory = join(nodeModules, name);
    if (!name.startsWith("@")) return [directory];
    return (await readdir(directory)).map((scoped) => join(directory, scoped));
  });
  return (await Promise.all(nested)).flat();
}

/** What is no package has no URLs. */
async function readManifest(directory: string): Promise<PackageManifest> {
  try {
    return JSON.parse(await readFile(join(directory, "package.json"), "utf8")) as PackageManifest;
  } catch {
    return {};
  }
}

/** Repositories are written in many ways: `git+https://…`, `git@host:a/b`, `github:a/b`, `a/b`. */
function asHttpUrl(text: string | undefined): string | undefined {
  if (typeof text !== "string") return undefined;
  const plain = text
    .trim()
    .replace(/^git\+/, "")
    .replace(/^(?:ssh:\/\/)?git@([^/:]+)[/:]/, "https://$1/")
    .replace(/^git:\/\//, "https://")
    .replace(/^github:/, "https://github.com/")
    .replace(/^([\w.-]+\/[\w.-]+)$/, "https://github.com/$1");
  return /^https?:\/\//.test(plain) && URL.canParse(plain) ? plain : undefined;
}
