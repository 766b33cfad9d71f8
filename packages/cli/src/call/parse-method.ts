import { InvalidArgumentError } from "commander";

export interface MethodName {
  readonly service: string;
  readonly method: string;
}

/** Reads `kv.v1.KVService/Get`, also with a leading slash. */
export function parseMethod(text: string): MethodName {
  const match = /^\/?([A-Za-z_][\w.]*)\/([A-Za-z_]\w*)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError(
      `Wanted SERVICE/METHOD such as kv.v1.KVService/Get, found ${JSON.stringify(text)}.`,
    );
  }
  return { service: match[1], method: match[2] };
}

/** Reads `name: value` (or `name=value`); names are lower-cased. */
export function parseHeader(
  text: string,
  before: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] {
  const match = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*[:=]\s*(.*)$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError(`Wanted "name: value", found ${JSON.stringify(text)}.`);
  }
  return [...before, [match[1].toLowerCase(), match[2]]];
}
