import { ScalarType } from "@bufbuild/protobuf";
import { ODD } from "./odd-value.js";
import { highHalf, lowHalf, toInt64, toUint64, type WireReader } from "./wire-reader.js";
import type { WireWriter } from "./wire-writer.js";

export const VARINT = 0;
export const BIT64 = 1;
export const LENGTH_DELIMITED = 2;
export const START_GROUP = 3;
export const END_GROUP = 4;
export const BIT32 = 5;

/** What is to be known of a type of scalar. What is given a value of another type throws ODD. */
export interface ScalarKind {
  readonly wireType: number;
  readonly zero: unknown;
  /** The value that is left out where there is no presence. False for what is of another type. */
  isZero(value: unknown): boolean;
  write(writer: WireWriter, value: unknown): void;
  read(reader: WireReader): unknown;
  /** Returns a value that shares nothing with this one. */
  copy(value: unknown): unknown;
}

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const NO_BYTES = new Uint8Array(0);
const UINT64_MAX = 2n ** 64n - 1n;
const FLOAT_MAX = 3.4028234663852886e38;

function int32(value: unknown): number {
  // -0 is an integer of another look: protobuf-es decides.
  if (typeof value === "number" && (value | 0) === value && !Object.is(value, -0)) return value;
  throw ODD;
}

function uint32(value: unknown): number {
  if (typeof value === "number" && value >>> 0 === value && !Object.is(value, -0)) return value;
  throw ODD;
}

function int64(value: unknown): bigint {
  if (typeof value === "bigint" && value >= INT64_MIN && value <= INT64_MAX) return value;
  throw ODD;
}

function uint64(value: unknown): bigint {
  if (typeof value === "bigint" && value >= 0n && value <= UINT64_MAX) return value;
  throw ODD;
}

function double(value: unknown): number {
  if (typeof value === "number") return value;
  throw ODD;
}

function float(value: unknown): number {
  if (typeof value !== "number") throw ODD;
  if (value <= FLOAT_MAX && value >= -FLOAT_MAX) return value;
  if (Number.isFinite(value)) throw ODD;
  return value;
}

function bool(value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw ODD;
}

function text(value: unknown): string {
  if (typeof value === "string") return value;
  throw ODD;
}

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw ODD;
}

// Half of a character cannot be sent. Newer than the language version that this is compiled for.
const { isWellFormed } = String.prototype as { isWellFormed?: () => boolean };

function wholeText(value: unknown): string {
  const whole = text(value);
  if (isWellFormed !== undefined && !isWellFormed.call(whole)) throw ODD;
  return whole;
}

const isZeroNumber = (value: unknown) => value === 0;
const isZeroFloat = (value: unknown) => Object.is(value, 0);
const isZeroBigint = (value: unknown) => value === 0n;

function number(
  wireType: number,
  check: (value: unknown) => number,
  write: (writer: WireWriter, value: number) => void,
  read: (reader: WireReader) => number,
  isZero: (value: unknown) => boolean = isZeroNumber,
): ScalarKind {
  return {
    wireType,
    zero: 0,
    isZero,
    write: (writer, value) => write(writer, check(value)),
    read,
    copy: check,
  };
}

function bigint(
  wireType: number,
  check: (value: unknown) => bigint,
  write: (writer: WireWriter, value: bigint) => void,
  read: (reader: WireReader) => bigint,
): ScalarKind {
  return {
    wireType,
    zero: 0n,
    isZero: isZeroBigint,
    write: (writer, value) => write(writer, check(value)),
    read,
    copy: check,
  };
}

function writeVarint64(writer: WireWriter, value: bigint): void {
  const low = lowHalf(value);
  writer.varint64(low, highHalf());
}

function zigzag64(writer: WireWriter, value: bigint): void {
  const low = lowHalf(value);
  const high = highHalf();
  const sign = high >> 31;
  writer.varint64((low << 1) ^ sign, ((high << 1) | (low >>> 31)) ^ sign);
}

function unzigzag64(reader: WireReader): bigint {
  const low = reader.varint64();
  const { high } = reader;
  const sign = -(low & 1);
  return toInt64(((low >>> 1) | ((high & 1) << 31)) ^ sign, (high >>> 1) ^ sign);
}

function textKind(strict: boolean): ScalarKind {
  return {
    wireType: LENGTH_DELIMITED,
    zero: "",
    isZero: (value) => value === "",
    write: (writer, value) => writer.text(text(value)),
    read: (reader) => reader.text(strict),
    copy: wholeText,
  };
}

const looseText = textKind(false);
const strictText = textKind(true);

const kinds: Readonly<Record<ScalarType, ScalarKind>> = {
  [ScalarType.INT32]: number(
    VARINT,
    int32,
    (w, v) => w.signedVarint(v),
    (r) => r.varint() | 0,
  ),
  [ScalarType.UINT32]: number(
    VARINT,
    uint32,
    (w, v) => w.varint(v),
    (r) => r.varint(),
  ),
  [ScalarType.SINT32]: number(
    VARINT,
    int32,
    (w, v) => w.varint(((v << 1) ^ (v >> 31)) >>> 0),
    (r) => {
      const value = r.varint();
      return (value >>> 1) ^ -(value & 1);
    },
  ),
  [ScalarType.FIXED32]: number(
    BIT32,
    uint32,
    (w, v) => w.fixed32(v),
    (r) => r.fixed32(),
  ),
  [ScalarType.SFIXED32]: number(
    BIT32,
    int32,
    (w, v) => w.fixed32(v),
    (r) => r.sfixed32(),
  ),
  [ScalarType.FLOAT]: number(
    BIT32,
    float,
    (w, v) => w.float(v),
    (r) => r.float(),
    isZeroFloat,
  ),
  [ScalarType.DOUBLE]: number(
    BIT64,
    double,
    (w, v) => w.double(v),
    (r) => r.double(),
    isZeroFloat,
  ),
  [ScalarType.INT64]: bigint(VARINT, int64, writeVarint64, (r) => toInt64(r.varint64(), r.high)),
  [ScalarType.UINT64]: bigint(VARINT, uint64, writeVarint64, (r) => toUint64(r.varint64(), r.high)),
  [ScalarType.SINT64]: bigint(VARINT, int64, zigzag64, unzigzag64),
  [ScalarType.FIXED64]: bigint(
    BIT64,
    uint64,
    (w, v) => w.fixed64(v),
    (r) => r.fixed64(),
  ),
  [ScalarType.SFIXED64]: bigint(
    BIT64,
    int64,
    (w, v) => w.fixed64(v),
    (r) => r.sfixed64(),
  ),
  [ScalarType.BOOL]: {
    wireType: VARINT,
    zero: false,
    isZero: (value) => value === false,
    write: (writer, value) => writer.varint(bool(value) ? 1 : 0),
    read: (reader) => reader.varint64() !== 0 || reader.high !== 0,
    copy: bool,
  },
  [ScalarType.STRING]: looseText,
  [ScalarType.BYTES]: {
    wireType: LENGTH_DELIMITED,
    zero: NO_BYTES,
    isZero: (value) => value instanceof Uint8Array && value.byteLength === 0,
    write(writer, value) {
      const given = bytes(value);
      writer.varint(given.byteLength);
      writer.raw(given);
    },
    read: (reader) => reader.delimited(),
    // Not `slice`: that of Node's Buffer does not copy.
    copy: (value) => new Uint8Array(bytes(value)),
  },
};

/** `strict`: whether text that is no UTF-8 is refused. */
export function scalarKind(type: ScalarType, strict: boolean): ScalarKind {
  return type === ScalarType.STRING && strict ? strictText : kinds[type];
}
