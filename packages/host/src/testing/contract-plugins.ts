/** The plugins that the launcher contract launches. */
export type ContractPlugin =
  | "echo"
  | "throws"
  | "exits"
  | "no-plugin"
  | "other-abi"
  | "bad-manifest"
  | "never-loads"
  | "rejects-run"
  | "garbage-first"
  | "closes-pipe"
  | "spins"
  | "missing";

/**
 * The file of one of them. They run as they were built: from the sources of this package, as our own tests are, they
 * are found in the build beside them.
 */
export function contractPluginFile(plugin: ContractPlugin): URL {
  const room = new URL(".", import.meta.url).href.replace(/\/src\/testing\/$/, "/dist/testing/");
  return new URL(`contract-plugins/${plugin}.plugin.js`, room);
}
