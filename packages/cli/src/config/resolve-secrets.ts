import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError } from "./config-error.js";

export interface SecretSources {
  /** Paths of secret files are relative to this file. */
  readonly file: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Puts the values in for `{ $secret: { env: NAME } }` and `{ $secret: { file: PATH } }` anywhere in a plugin's config.
 * The values appear in no message. One line end after a file's text is taken off.
 *
 * @throws {ConfigError} naming the place whose secret cannot be had.
 */
export async function resolveSecrets(value: unknown, path: string, sources: SecretSources): Promise<unknown> {
  if (Array.isArray(value)) {
    return Promise.all(value.map((item, index) => resolveSecrets(item, `${path}.${index}`, sources)));
  }
  if (typeof value !== "object" || value === null) return value;
  if ("$secret" in value) return readSecret(value, path, sources);
  const entries = Object.entries(value).map(
    async ([key, item]) => [key, await resolveSecrets(item, `${path}.${key}`, sources)] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

async function readSecret(
  value: { $secret?: unknown },
  path: string,
  sources: SecretSources,
): Promise<string> {
  const problem = (message: string) =>
    new ConfigError(sources.file, [{ line: undefined, column: undefined, message: `${path}: ${message}` }]);
  const source = value.$secret;
  if (
    Object.keys(value).length === 1 &&
    typeof source === "object" &&
    source !== null &&
    Object.keys(source).length === 1
  ) {
    if ("env" in source && typeof source.env === "string") {
      const found = sources.environment[source.env];
      if (found === undefined)
        throw problem(`the environment variable ${source.env} is wanted here and is not set`);
      return found;
    }
    if ("file" in source && typeof source.file === "string") {
      const file = resolve(dirname(sources.file), source.file);
      try {
        return (await readFile(file, "utf8")).replace(/\r?\n$/, "");
      } catch (error) {
        const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
        throw problem(`the secret's file ${file} cannot be read (${code})`);
      }
    }
  }
  throw problem("wanted { $secret: { env: NAME } } or { $secret: { file: PATH } } and nothing beside it");
}
