import { CliError } from "../cli-error.js";
import { nearest } from "../config/nearest.js";
import { ExitCode } from "../exit-code.js";

/** The host has no plugin of this name. */
export function unknownPlugin(name: string, plugins: readonly { readonly name: string }[]): CliError {
  const names = plugins.map((plugin) => plugin.name);
  const alike = nearest(name, names);
  const advice = alike === undefined ? `there are: ${names.join(", ")}` : `did you mean ${alike}?`;
  return new CliError(
    ExitCode.failed,
    "UNKNOWN_PLUGIN",
    `no plugin is called ${JSON.stringify(name)}; ${advice}`,
  );
}
