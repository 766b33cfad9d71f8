import { readFile } from "node:fs/promises";
import { isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { ConfigError, type ConfigProblem } from "./config-error.js";
import { type Config, configSchema } from "./config-schema.js";
import { nearest } from "./nearest.js";

/** Largest configuration file that is read. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads and checks a configuration file.
 *
 * @throws {ConfigError} listing every problem with its line.
 */
export async function readConfig(file: string): Promise<Config> {
  const text = await readText(file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const placed = (offset: number, message: string): ConfigProblem => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, message };
  };
  if (document.errors.length > 0) {
    throw new ConfigError(
      file,
      document.errors.map((error) => placed(error.pos[0], `not valid YAML: ${firstLine(error.message)}`)),
    );
  }
  const value = readValue();
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;

  /** Aliases that stand for aliases can stand for more than there is memory. */
  function readValue(): unknown {
    try {
      return document.toJS({ maxAliasCount: 100 }) ?? {};
    } catch (error) {
      throw new ConfigError(file, [placed(0, `not usable YAML: ${firstLine((error as Error).message)}`)]);
    }
  }

  /** The place of a path, or of the nearest part of it that is in the file. */
  const offsetOf = (path: readonly PropertyKey[]): number => {
    for (let length = path.length; length > 0; length--) {
      const node = document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  };
  throw new ConfigError(
    file,
    parsed.error.issues.flatMap((issue) =>
      describe(issue, value).map(({ path, message }) => placed(offsetOf(path), message)),
    ),
  );
}

interface Described {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function describe(issue: z.core.$ZodIssue, file: unknown): Described[] {
  const where = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") {
    return [{ path: issue.path, message: `${where === "" ? "the file" : where}: ${inWords(issue, file)}` }];
  }
  const known = knownKeys(issue.path);
  return issue.keys.map((key) => {
    const alike = nearest(key, known);
    const advice =
      alike === undefined ? `known here: ${known.join(", ")}` : `did you mean ${JSON.stringify(alike)}?`;
    return {
      path: [...issue.path, key],
      message: `${[...issue.path.map(String), key].join(".")}: unknown key; ${advice}`,
    };
  });
}

/** What was wanted and what was found. Only a wrong choice is quoted: a value of a wrong type may be a secret. */
function inWords(issue: z.core.$ZodIssue, file: unknown): string {
  if (issue.code !== "invalid_type" && issue.code !== "invalid_value") return issue.message;
  const found = issue.path.reduce<unknown>(
    (value, part) => (typeof value === "object" && value !== null ? Reflect.get(value, part) : undefined),
    file,
  );
  if (issue.code === "invalid_value") {
    const choices = issue.values.map((value) => JSON.stringify(value)).join(", ");
    return `wanted one of ${choices}; found ${typeof found === "string" ? JSON.stringify(found) : typeName(typeOf(found))}`;
  }
  const wanted = typeName(issue.expected);
  return found === undefined
    ? `is missing; wanted ${wanted}`
    : `wanted ${wanted}, found ${typeName(typeOf(found))}`;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function typeName(type: string): string {
  switch (type) {
    case "array":
      return "a list";
    case "object":
    case "record":
      return "keys with values";
    case "string":
      return "a text";
    case "int":
      return "a whole number";
    case "null":
    case "undefined":
      return "nothing";
    default:
      return `a ${type}`;
  }
}

/** The keys that the schema knows at a path. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: unknown = configSchema;
  for (const part of path) schema = step(unwrap(schema), String(part));
  const found = unwrap(schema);
  return isShaped(found) ? Object.keys(found.shape) : [];
}

function step(schema: unknown, key: string): unknown {
  if (isShaped(schema)) return schema.shape[key];
  return isRecord(schema) ? schema.valueType : undefined;
}

/** Takes off optional(), default() and the like. */
function unwrap(schema: unknown): unknown {
  let inner = schema;
  while (
    typeof inner === "object" &&
    inner !== null &&
    "unwrap" in inner &&
    typeof inner.unwrap === "function"
  ) {
    inner = inner.unwrap();
  }
  return inner;
}

function isShaped(schema: unknown): schema is { readonly shape: Readonly<Record<string, unknown>> } {
  return typeof schema === "object" && schema !== null && "shape" in schema;
}

function isRecord(schema: unknown): schema is { readonly valueType: unknown } {
  return typeof schema === "object" && schema !== null && "valueType" in schema;
}

async function readText(file: string): Promise<string> {
  const problem = (message: string) =>
    new ConfigError(file, [{ line: undefined, column: undefined, message }]);
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    if (code === "ENOENT") {
      throw problem(
        "there is no such file. Give the path of a configuration, or write one: see docs/reference/config.md",
      );
    }
    throw problem(`it cannot be read (${code})`);
  }
  if (bytes.byteLength > MAX_BYTES)
    throw problem(`it has ${bytes.byteLength} bytes; at most ${MAX_BYTES} are read`);
  return bytes.toString("utf8");
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}
