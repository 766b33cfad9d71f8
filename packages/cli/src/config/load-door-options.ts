import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { DoorOptions } from "@connect-plugin/host";
import { ConfigError } from "./config-error.js";
import type { DoorConfig } from "./config-schema.js";

/**
 * Reads what a configuration says of the door, and the files that it names.
 *
 * @throws {ConfigError} naming the file that cannot be read
 */
export async function loadDoorOptions(file: string, door: DoorConfig): Promise<DoorOptions> {
  const at = (path: string) => resolve(dirname(file), path);
  const { listen, tls, tokens, cors } = door;

  async function pem(key: "cert" | "key", path: string): Promise<string> {
    try {
      return await readFile(at(path), "utf8");
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
      const message = `door.tls.${key}: the file ${at(path)} cannot be read (${code})`;
      throw new ConfigError(file, [{ line: undefined, column: undefined, message }]);
    }
  }

  return {
    listen: listen.startsWith("unix:") ? { unix: at(listen.slice("unix:".length)) } : listen,
    tls: tls && { cert: await pem("cert", tls.cert), key: await pem("key", tls.key) },
    tokens: tokens && at(tokens),
    cors: cors && {
      origins: cors.origins,
      ...(cors.maxAgeSeconds === undefined ? {} : { maxAgeSeconds: cors.maxAgeSeconds }),
    },
  };
}
