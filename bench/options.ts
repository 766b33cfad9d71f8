import { parseArgs } from "node:util";

export type Options =
  | { readonly kind: "help" }
  | { readonly kind: "run"; readonly quick: boolean; readonly only: readonly string[] }
  | { readonly kind: "misuse"; readonly message: string };

const known = {
  quick: { type: "boolean" },
  only: { type: "string", multiple: true },
  help: { type: "boolean", short: "h" },
} as const;

/** @param names of the benchmarks that there are */
export function readOptions(args: readonly string[], names: readonly string[]): Options {
  let values: { quick?: boolean; only?: string[]; help?: boolean };
  try {
    ({ values } = parseArgs({ args: [...args], options: known }));
  } catch (error) {
    return { kind: "misuse", message: describe(error, args) };
  }
  if (values.help) return { kind: "help" };
  const only = values.only ?? [];
  const unknown = only.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    return {
      kind: "misuse",
      message: `--only: wanted one of ${names.join(", ")}; found ${JSON.stringify(unknown)}`,
    };
  }
  return { kind: "run", quick: values.quick ?? false, only };
}

function describe(error: unknown, args: readonly string[]): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ERR_PARSE_ARGS_UNKNOWN_OPTION":
    case "ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL":
      return `wanted only --quick, --only NAME or --help; found: ${args.join(" ")}`;
    case "ERR_PARSE_ARGS_INVALID_OPTION_VALUE":
      return `--only wants the name of a benchmark, --quick and --help want nothing; found: ${args.join(" ")}`;
    default:
      throw error;
  }
}
