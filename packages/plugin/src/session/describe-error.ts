import { ConnectError } from "@connectrpc/connect";

const MAX_LENGTH = 2_000;
/** How many causes of causes are told. */
const MAX_CAUSES = 4;

/** What somebody threw, for a message: bounded, never empty, never throws. */
export function describeError(thrown: unknown): string {
  try {
    const parts: string[] = [];
    let error = thrown;
    for (let depth = 0; depth <= MAX_CAUSES; depth++) {
      parts.push(describeOne(error));
      if (!(error instanceof Error) || error.cause === undefined) break;
      error = error.cause;
    }
    return bound(parts.join("; caused by: "));
  } catch {
    // A getter or a proxy that throws in its turn.
    return `a ${typeof thrown} that cannot be shown`;
  }
}

/** The stack if there is one: for logs, where the place matters. */
export function describeStack(thrown: unknown): string {
  try {
    if (thrown instanceof Error && typeof thrown.stack === "string") return bound(thrown.stack);
  } catch {
    // Told without its stack, then.
  }
  return describeError(thrown);
}

function describeOne(thrown: unknown): string {
  if (thrown instanceof ConnectError) return thrown.rawMessage || thrown.message;
  if (thrown instanceof Error) return thrown.message === "" ? thrown.name : thrown.message;
  if (typeof thrown === "string") return thrown === "" ? "an empty string" : thrown;
  return `${JSON.stringify(thrown)} (not an Error)`;
}

function bound(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text;
}
