import { printable } from "@connect-plugin/protocol";

/**
 * A text that a plugin had a hand in, fit for a terminal: its lines stay lines, and whatever could move the cursor,
 * recolour or hide what stands there is shown as an escape. JSON needs none of this.
 */
export function safeText(text: string): string {
  return text
    .split("\n")
    .map((line) => printable(line, Number.POSITIVE_INFINITY))
    .join("\n");
}
