import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describeValue } from "@connect-plugin/protocol";
import { failureError } from "@connect-plugin/rpc";

/** A plugin file as the operator names it. */
export interface EntryFile {
  /** Absolute. */
  readonly path: string;
  readonly url: string;
}

/**
 * Takes an option for a file: a path, relative to the working directory of this process, or a `file:` URL.
 *
 * @throws TypeError if it is neither
 */
export function entryFile(option: string, value: unknown): EntryFile {
  const path = pathOf(value);
  if (path === undefined) {
    throw new TypeError(`${option} must be a path or a file: URL, but is ${describeValue(value)}`);
  }
  return { path, url: pathToFileURL(path).href };
}

function pathOf(value: unknown): string | undefined {
  if (value instanceof URL) return value.protocol === "file:" ? fileURLToPath(value) : undefined;
  if (typeof value !== "string" || value === "" || value.includes("\0")) return undefined;
  if (value.startsWith("file:")) return fileURLToPath(value);
  // A scheme of another kind, which as a path would only give a confusing "not found".
  if (/^[a-z][a-z0-9+.-]+:/i.test(value)) return undefined;
  return resolve(value);
}

/** Rejects with PLUGIN_FILE_MISSING, naming the path that was looked for, unless there is a file. */
export async function requireEntryFile(plugin: string, { path }: EntryFile): Promise<void> {
  let found: string;
  try {
    const stats = await stat(path);
    if (stats.isFile()) return;
    found = stats.isDirectory() ? "a directory" : "something that is no file";
  } catch (error) {
    found = isMissing(error) ? "nothing" : `${(error as Error).message}`;
  }
  throw failureError(
    "PLUGIN_FILE_MISSING",
    `plugin "${plugin}": wanted its file at ${path}, found ${found}; correct the entry in its spec, or build the plugin`,
    { facts: { plugin, path } },
  );
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}
