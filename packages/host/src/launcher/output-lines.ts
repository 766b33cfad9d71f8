/** Bytes of a line that are kept. */
export const LINE_LIMIT = 8_192;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Cuts what a plugin writes into lines, in bounded memory whatever it writes. */
export interface OutputLines {
  /** Takes the next bytes, valid only until this returns. */
  add(chunk: Uint8Array): void;
  /** No more bytes follow: a last line without an end is told now. */
  finish(): void;
}

/** Tells each line without its end. What exceeds the limit is left out, and the line says so. */
export function createOutputLines(tell: (line: string) => void): OutputLines {
  const kept = Buffer.allocUnsafeSlow(LINE_LIMIT);
  let size = 0;
  let left = 0;

  function take(chunk: Uint8Array, from: number, to: number): void {
    const room = Math.min(to - from, LINE_LIMIT - size);
    if (room > 0) {
      kept.set(chunk.subarray(from, from + room), size);
      size += room;
    }
    left += to - from - room;
  }

  function tellLine(): void {
    const whole = left === 0;
    const end = whole ? withoutReturn(kept, size) : lastCharacterEnd(kept, size);
    const text = kept.toString("utf8", 0, end);
    const missing = left + size - end;
    size = 0;
    left = 0;
    tell(whole ? text : `${text} … [cut: the line has ${missing} more bytes]`);
  }

  return {
    add(chunk) {
      let from = 0;
      for (;;) {
        const at = chunk.indexOf(NEWLINE, from);
        if (at === -1) break;
        take(chunk, from, at);
        tellLine();
        from = at + 1;
      }
      take(chunk, from, chunk.byteLength);
    },
    finish() {
      if (size > 0) tellLine();
    },
  };
}

function withoutReturn(bytes: Uint8Array, size: number): number {
  return size > 0 && bytes[size - 1] === RETURN ? size - 1 : size;
}

/** Where the last whole UTF-8 character ends, so that a cut never goes through one. */
function lastCharacterEnd(bytes: Uint8Array, size: number): number {
  for (let start = size - 1; start >= 0 && start > size - 4; start--) {
    const byte = bytes[start]!;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return start + length > size ? start : size;
  }
  return size;
}
