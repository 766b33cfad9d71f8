import { type CallFailure, createFailure, quoted } from "@connect-plugin/protocol";

/** Whether messages are compressed; or what is wrong with how they are. */
export type Compression = "identity" | "gzip" | CallFailure;

/** @param name of the field, for the message */
export function compressionOf(name: string, value: string | undefined): Compression {
  if (value === undefined || value === "identity" || value === "") return "identity";
  if (value === "gzip") return "gzip";
  return createFailure(
    "ENCODING_UNSUPPORTED",
    `${name}: messages may be compressed with gzip or not at all (identity), but not with ${quoted(value)}`,
    { facts: { field: name } },
  );
}

/** Whether a list of encodings, such as `br, gzip;q=0.5`, has gzip. */
export function acceptsGzip(list: string | undefined): boolean {
  if (list === undefined) return false;
  if (list === "gzip") return true;
  for (const entry of list.split(",")) {
    const [name = "", ...parameters] = entry.split(";");
    if (name.trim().toLowerCase() !== "gzip") continue;
    return !parameters.some((parameter) => /^\s*q=0(\.0{0,3})?\s*$/i.test(parameter));
  }
  return false;
}
