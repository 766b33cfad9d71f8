import { ConnectError } from "@connectrpc/connect";

const MAX_LENGTH = 2_000;
/** How many causes of causes are told. */
const MAX_CAUSES = 4;

/** What somebody threw, for a message: bounded, never empty, never throws. */
export function describeError(thrown: unknown): string {
  const parts: string[] = [];
  let error = thrown;
  for (let depth = 0; depth <= MAX_CAUSES; depth++) {
    parts.push(describeOne(error));
    if (!(error instanceof Error) || error.cause === undefined) break;
    error = error.cause;
  }
  return bound(parts.join("; caused by: "));
}

/** The stack if there is one: for logs, where the place matters. */
export function describeStack(thrown: unknown): string {
  return thrown instanceof Error && typeof thrown.stack === "string"
    ? bound(thrown.stack)
    : describeError(thrown);
}

function describeOne(thrown: unknown): string {
  if (thrown instanceof ConnectError) return thrown.rawMessage || thrown.message;
  if (thrown instanceof Error) return thrown.message === "" ? thrown.name : thrown.message;
  if (typeof thrown === "string") return thrown === "" ? "an empty string" : thrown;
  try {
    return `${JSON.stringify(thrown)} (not an Error)`;
  } catch {
    return `a ${typeof thrown} that cannot be shown`;
  }
}

function bound(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
