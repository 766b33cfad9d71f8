import fc from "fast-check";
import { expect, test } from "vitest";
import { printable, printableBytes, quoted } from "./printable.js";

test.each([
  ["plain ünïcödé 日本 😀", "plain ünïcödé 日本 😀"],
  ["two\nlines\r\tand\u0000more", "two\\nlines\\r\\tand\\x00more"],
  ["\u001b[31mred", "\\x1b[31mred"],
  ["\u0085\u009b", "\\x85\\x9b"],
  ["a\u202eb\u2028c\ufeff", "a\\u{202e}b\\u{2028}c\\u{feff}"],
  ["\u{e0041}", "\\u{e0041}"],
  ["\ud800x", "\\u{d800}x"],
])("%j is shown as %s", (text, shown) => {
  expect(printable(text)).toBe(shown);
});

test("what is long is cut", () => {
  expect(printable("x".repeat(121))).toBe(`${"x".repeat(120)}…`);
  expect(printable("abcdef", 3)).toBe("abc…");
});

test("a quoted text shows where it ends", () => {
  expect(quoted('say "hi"\n')).toBe('"say \\"hi\\"\\n"');
});

test("bytes are readable where they are ASCII", () => {
  expect(printableBytes(new TextEncoder().encode("Hello\n\0é"))).toBe("Hello\\n\\x00\\xc3\\xa9");
  expect(printableBytes(Uint8Array.of(0x7f, 0x1b, 0x41))).toBe("\\x7f\\x1bA");
  expect(printableBytes(new Uint8Array(100).fill(0x41), 4)).toBe("AAAA…");
});

test("nothing that moves a cursor or starts a line gets through", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), (text, bytes) => {
      expect(printable(text) + printableBytes(bytes)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
    }),
  );
});
