import { printable, quoted } from "./printable.js";

const KEYS_SHOWN = 6;

/**
 * What a value is, in words for a message: `an object with the keys a, b`, `the text "x"`. Of texts no more than their
 * first 60 characters, of objects no more than their keys. Not for what may be a secret.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return `the text ${quoted(value, 60)}`;
    case "number":
    case "boolean":
      return `the ${typeof value} ${value}`;
    case "undefined":
      return "undefined";
    case "function":
      return describeFunction(value);
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return `a ${typeof value}`;
  }
}

function describeFunction(value: { readonly name: string }): string {
  const what = /^class\b/.test(Function.prototype.toString.call(value)) ? "a class" : "a function";
  return value.name === "" ? what : `${what} named ${printable(value.name, 60)}`;
}

function describeObject(value: object): string {
  if (Array.isArray(value)) return `an array of ${value.length}`;
  const keys = Object.keys(value);
  if (keys.length === 0) return "an object without keys";
  const shown = keys.slice(0, KEYS_SHOWN).map((key) => printable(key, 40));
  return `an object with the ${keys.length === 1 ? "key" : "keys"} ${shown.join(", ")}${keys.length > KEYS_SHOWN ? ", …" : ""}`;
}
