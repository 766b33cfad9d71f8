import type { ByteReader } from "./byte-reader.js";
import { type ByteWriter, MAX_VARINT } from "./byte-writer.js";

/** What a side asks of the other, said once, right after the preface. */
export interface LaneSettings {
  /** Credit that every call starts with, each way, towards the side that says so. */
  readonly initialWindow: number;
  /** Calls that the other side may have open at a time. */
  readonly maxCalls: number;
  /** Bytes of a message, as it travels. */
  readonly maxMessage: number;
  /** Bytes of the names and values of a header or trailer. */
  readonly maxMetadata: number;
}

/** What holds where a side does not say. */
export const defaultSettings: LaneSettings = {
  initialWindow: 16_384,
  maxCalls: 2_048,
  maxMessage: 16 * 1024 * 1024,
  maxMetadata: 16_384,
};

/** What a call may have of credit at a time. */
export const MAX_CREDIT = 0x7fff_ffff;

const numbers = {
  initialWindow: 1,
  maxCalls: 2,
  maxMessage: 3,
  maxMetadata: 4,
} as const satisfies Record<keyof LaneSettings, number>;

const names = new Map(Object.entries(numbers).map(([name, number]) => [number as number, name]));

export function writeSettings(out: ByteWriter, settings: LaneSettings): void {
  for (const [name, number] of Object.entries(numbers)) {
    out.varint(number);
    out.varint(settings[name as keyof LaneSettings]);
  }
}

/** Settings that are not known are ignored; the last of two counts. */
export function readSettings(from: ByteReader): LaneSettings {
  const said: Record<string, number> = {};
  while (from.left > 0) {
    const name = names.get(from.varint());
    const value = from.varint();
    if (name !== undefined) said[name] = value;
  }
  const settings: LaneSettings = { ...defaultSettings, ...said };
  if (settings.initialWindow > MAX_CREDIT)
    throw from.error(`an initial window of ${settings.initialWindow} bytes`);
  return settings;
}

export const SETTINGS_BOUND = names.size * 2 * MAX_VARINT;
