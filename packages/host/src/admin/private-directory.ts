import { lstat, mkdir } from "node:fs/promises";
import { failureError } from "@connect-plugin/rpc";

/**
 * Makes a directory that only its owner may enter, if there is none; its parents too. Rejects with a ConnectError
 * (DIRECTORY_NOT_PRIVATE, SOCKET_PATH).
 */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw failureError(
      "SOCKET_PATH",
      `the operator's socket needs the directory ${path}, which cannot be made: ${(error as Error).message}; ` +
        "make it with mode 700, or move the configuration to where it can be made",
      { facts: { path } },
    );
  }
  await checkPrivateDirectory(path);
}

/**
 * Holds a directory against what makes it private: it is one itself (no link), it is ours, and nobody else may enter
 * it. Rejects with a ConnectError (DIRECTORY_NOT_PRIVATE).
 */
export async function checkPrivateDirectory(path: string): Promise<void> {
  const found = await lstat(path);
  const uid = process.getuid?.();
  const mode = found.mode & 0o777;
  const problem = !found.isDirectory()
    ? "it is no directory"
    : uid !== undefined && found.uid !== uid
      ? `it belongs to user ${found.uid}, not to ${uid}, who runs this`
      : (mode & 0o077) !== 0
        ? `its mode is ${mode.toString(8).padStart(3, "0")}`
        : undefined;
  if (problem === undefined) return;
  throw failureError(
    "DIRECTORY_NOT_PRIVATE",
    `the operator's socket needs a directory that nobody else may enter, but of ${path}, ${problem}; ` +
      `remove it, or make it private with: chmod 700 ${path}`,
    { facts: { path } },
  );
}
