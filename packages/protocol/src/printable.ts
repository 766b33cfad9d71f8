/** How many characters of a foreign text a message shows at most. */
const SHOWN = 120;

// What can move a cursor, start a line, hide text or reorder it: C0, DEL, C1, soft hyphen, zero-width and
// bidirectional controls, line separators, the byte order mark, interlinear marks and tags.
const UNPRINTABLE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

const SHORT_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/**
 * A text from elsewhere, made fit for a log line or a message: one line, no control characters (they are shown as
 * `\x1b` or `\u{202e}`), and cut with `…` after `limit` characters (120 unless told).
 */
export function printable(text: string, limit = SHOWN): string {
  const cut = text.length > limit;
  return (cut ? text.slice(0, limit) : text).replace(UNPRINTABLE, escapeCharacter) + (cut ? "…" : "");
}

/** Like {@link printable}, in double quotes: for messages that show what was found. */
export function quoted(text: string, limit = SHOWN): string {
  return `"${printable(text, limit).replaceAll('"', '\\"')}"`;
}

/** Bytes that should have been something else, readable where they are ASCII: `Hello\x00\xff`. */
export function printableBytes(bytes: Uint8Array, limit = SHOWN): string {
  const shown = bytes.subarray(0, limit);
  let text = "";
  for (const byte of shown) {
    text += byte > 0x7e ? `\\x${byte.toString(16)}` : printable(String.fromCharCode(byte));
  }
  return text + (bytes.byteLength > limit ? "…" : "");
}

function escapeCharacter(character: string): string {
  const short = SHORT_ESCAPES.get(character);
  if (short !== undefined) return short;
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length <= 2 ? `\\x${hex.padStart(2, "0")}` : `\\u{${hex}}`;
}
