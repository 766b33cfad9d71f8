import { dirname, join, resolve } from "node:path";
import { TOKENS_FILE } from "@connect-plugin/host";
import { operatorDirectory } from "./operator-directory.js";
import { readConfig } from "./read-config.js";

/**
 * Where the tokens of a configuration's host are: where it says, or in the operator's private directory.
 *
 * @throws {ConfigError} listing every problem with its place
 */
export async function tokensFile(directory: string, configFile: string): Promise<string> {
  const file = resolve(directory, configFile);
  const { door } = await readConfig(file);
  return door?.tokens === undefined
    ? join(operatorDirectory(file), TOKENS_FILE)
    : resolve(dirname(file), door.tokens);
}
