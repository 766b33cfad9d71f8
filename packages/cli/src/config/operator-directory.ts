import { basename, dirname, extname, join, resolve } from "node:path";

/**
 * The operator's private directory of the host that a configuration belongs to: `.connect-plugin` beside
 * `connect-plugin.yaml`, `.connect-plugin-NAME` beside any other.
 */
export function operatorDirectory(configFile: string): string {
  const file = resolve(configFile);
  const stem = basename(file, extname(file));
  return join(dirname(file), stem === "connect-plugin" ? ".connect-plugin" : `.connect-plugin-${stem}`);
}
