/** What a hidden value is replaced by. */
const HIDDEN = "[hidden]";
/** Shorter strings are too likely to be part of a message's own words. */
const MIN_LENGTH_AT_PATH = 4;
const MIN_LENGTH_ELSEWHERE = 8;
/** Enough for any config that a person wrote. */
const MAX_VALUES = 1_000;
/** Words that schema libraries use for what they found, and no secrets. */
const TYPE_WORDS = new Set([
  "string",
  "number",
  "boolean",
  "object",
  "array",
  "undefined",
  "null",
  "bigint",
  "function",
]);

/**
 * Takes the operator's values out of a message. Some schema libraries quote what they were given, and what they were
 * given may be a secret.
 */
export function hideValues(message: string, config: unknown, path: readonly PropertyKey[]): string {
  let hidden = hideLeaf(message, valueAt(config, path));
  for (const leaf of collectStrings(config)) {
    if (leaf.length >= MIN_LENGTH_ELSEWHERE) hidden = replaceBare(hidden, leaf);
  }
  return hidden;
}

function hideLeaf(message: string, value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint") {
    const token = escapePattern(String(value));
    return message.replace(new RegExp(`(?<![\\w.])${token}(?![\\w.])`, "g"), HIDDEN);
  }
  if (typeof value !== "string" || value === "") return message;
  let hidden = message;
  for (const quoted of [JSON.stringify(value), `"${value}"`, `'${value}'`, `\`${value}\``]) {
    hidden = hidden.replaceAll(quoted, HIDDEN);
  }
  return value.length >= MIN_LENGTH_AT_PATH ? replaceBare(hidden, value) : hidden;
}

function replaceBare(message: string, value: string): string {
  if (TYPE_WORDS.has(value)) return message;
  return message.replaceAll(JSON.stringify(value).slice(1, -1), HIDDEN).replaceAll(value, HIDDEN);
}

function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  let value = config;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}

/** Longest first, so that a value is not left over in part because it contains another. */
function collectStrings(config: unknown): string[] {
  const found = new Set<string>();
  const waiting: unknown[] = [config];
  const seen = new Set<object>();
  while (waiting.length > 0 && found.size < MAX_VALUES) {
    const value = waiting.pop();
    if (typeof value === "string") found.add(value);
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    waiting.push(...Object.values(value));
  }
  return [...found].sort((a, b) => b.length - a.length);
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
}
