import type { LogFields } from "../define/plugin-context.js";
import { describeStack } from "./describe-error.js";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** One line of a plugin's log, as it travels. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

const MAX_MESSAGE_LENGTH = 16_384;
const MAX_FIELDS = 64;
const MAX_NAME_LENGTH = 128;
const MAX_VALUE_LENGTH = 4_096;

/** Makes a line of whatever a plugin wanted to log. Bounded; never throws. */
export function createLogLine(level: LogLevel, message: unknown, fields?: LogFields): LogLine {
  const written: Record<string, string> = {};
  for (const name of namesOf(fields).slice(0, MAX_FIELDS)) {
    written[bound(name, MAX_NAME_LENGTH)] = bound(writeValue(fields, name), MAX_VALUE_LENGTH);
  }
  return { level, message: bound(writeMessage(message), MAX_MESSAGE_LENGTH), fields: written };
}

/** About how much memory a line takes, in bytes. */
export function sizeOf(line: LogLine): number {
  let size = 100 + line.message.length * 2;
  for (const name in line.fields) size += 50 + (name.length + (line.fields[name]?.length ?? 0)) * 2;
  return size;
}

/** A line for people, where no host takes it. */
export function printLogLine(line: LogLine): string {
  const fields = Object.keys(line.fields).length === 0 ? "" : ` ${JSON.stringify(line.fields)}`;
  return `${line.level} ${line.message}${fields}\n`;
}

function namesOf(fields: unknown): string[] {
  if (typeof fields !== "object" || fields === null) return [];
  try {
    return Object.keys(fields);
  } catch {
    return [];
  }
}

function writeMessage(message: unknown): string {
  if (typeof message === "string") return message;
  try {
    return message instanceof Error ? describeStack(message) : String(message);
  } catch {
    return "(a message that cannot be shown)";
  }
}

function writeValue(fields: unknown, name: string): string {
  try {
    const value: unknown = Reflect.get(fields as object, name);
    if (typeof value === "string") return value;
    if (value instanceof Error) return describeStack(value);
    if (typeof value === "bigint") return String(value);
    return JSON.stringify(value, replaceBigint) ?? String(value);
  } catch {
    return "(a value that cannot be shown)";
  }
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}

function bound(text: string, limit: number): string {
  return text.length > limit ? `${text.slice(0, limit)}…` : text;
}
