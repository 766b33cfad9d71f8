import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, isAbsolute, join } from "node:path";
import { failureError } from "@connect-plugin/rpc";
import { checkPrivateDirectory, makePrivateDirectory } from "./private-directory.js";

// Where the operator's socket of a host is: in a private directory beside its configuration, or, where the path to
// that would be too long for a socket, in a short private directory that a file in the first one names.

/** What fits into the address of a unix socket everywhere: macOS takes 103 bytes, Linux 107. */
export const SOCKET_PATH_LIMIT = 103;

const SOCKET = "operator.sock";
const POINTER = "operator.path";

/** A path that a host may listen on. */
export interface SocketPlace {
  readonly path: string;
  /** Takes away what was made for it, except the operator's own directory. */
  remove(): Promise<void>;
}

/** Makes the directory of a host's socket. Rejects with a ConnectError (DIRECTORY_NOT_PRIVATE, SOCKET_PATH). */
export async function makeSocketPlace(directory: string): Promise<SocketPlace> {
  await makePrivateDirectory(directory);
  const path = join(directory, SOCKET);
  if (fits(path)) return { path, remove: async () => undefined };
  const short = await mkdtemp(join(tmpdir(), "cp-"));
  const remove = () => rm(short, { recursive: true, force: true });
  const elsewhere = join(short, SOCKET);
  if (!fits(elsewhere)) {
    await remove();
    throw failureError(
      "SOCKET_PATH",
      `the operator's socket needs a path of at most ${SOCKET_PATH_LIMIT} bytes, but ${path} has ` +
        `${Buffer.byteLength(path)} and ${elsewhere} has ${Buffer.byteLength(elsewhere)}; ` +
        "move the configuration, or set TMPDIR to a shorter path",
      { facts: { path } },
    );
  }
  const pointer = join(directory, POINTER);
  await writeFile(pointer, elsewhere, { mode: 0o600 });
  return {
    path: elsewhere,
    async remove() {
      await remove();
      // Another host may have put its own in this place.
      if ((await readPointer(pointer)) === elsewhere) await rm(pointer, { force: true });
    },
  };
}

/**
 * Where the socket of a host is, if one was ever made in this directory. Rejects with a ConnectError
 * (DIRECTORY_NOT_PRIVATE).
 */
export async function findSocketPath(directory: string): Promise<string | undefined> {
  try {
    await checkPrivateDirectory(directory);
    const path = join(directory, SOCKET);
    if (fits(path)) return path;
    const elsewhere = await readPointer(join(directory, POINTER));
    if (elsewhere === undefined) return undefined;
    await checkPrivateDirectory(dirname(elsewhere));
    return elsewhere;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= SOCKET_PATH_LIMIT;
}

async function readPointer(pointer: string): Promise<string | undefined> {
  try {
    const path = await readFile(pointer, "utf8");
    return isAbsolute(path) && fits(path) ? path : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
