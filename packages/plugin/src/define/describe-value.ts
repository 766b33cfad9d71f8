import { quoted } from "@connect-plugin/protocol";

/** What was found in place of what was wanted, for the message of a TypeError: short, and never throws. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string") return quoted(value);
  if (typeof value === "function") return value.name === "" ? "a function" : `the function ${value.name}`;
  if (Array.isArray(value)) return "an array";
  if (typeof value !== "object") return `the ${typeof value} ${String(value)}`;
  if ("kind" in value && typeof value.kind === "string") return `an object of kind ${quoted(value.kind)}`;
  return "an object";
}
