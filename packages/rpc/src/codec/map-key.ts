import { ScalarType } from "@bufbuild/protobuf";
import { ODD } from "./odd-value.js";
import { type ScalarKind, scalarKind } from "./scalar-kind.js";

/** Keys of a map are properties of an object: on the wire they have a type. */
export interface MapKey {
  readonly scalar: ScalarKind;
  /** The value that a property's name stands for. Throws ODD if it is not written as we would. */
  parse(key: string): unknown;
  /** The property for a value. Throws ODD for what is no good name of a property. */
  property(value: unknown): string | number;
}

export function mapKey(type: ScalarType, strict: boolean): MapKey {
  const scalar = scalarKind(type, strict);
  switch (type) {
    case ScalarType.STRING:
      return { scalar, parse: safe, property: (value) => safe(value as string) };
    case ScalarType.BOOL:
      return { scalar, parse: parseBool, property: String };
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return { scalar, parse: (key) => canonical(key, Number(key)), property: (value) => value as number };
    default:
      return { scalar, parse: parseBigint, property: String };
  }
}

/** Setting this one sets no property. */
function safe(key: string): string {
  if (key === "__proto__") throw ODD;
  return key;
}

function parseBool(key: string): boolean {
  if (key !== "true" && key !== "false") throw ODD;
  return key === "true";
}

function parseBigint(key: string): bigint {
  if (!/^-?\d{1,20}$/.test(key)) throw ODD;
  return canonical(key, BigInt(key));
}

function canonical<T extends number | bigint>(key: string, value: T): T {
  if (String(value) !== key) throw ODD;
  return value;
}
