import { expect, it } from "vitest";
import { safeText } from "./safe-text.js";

it("leaves lines and letters as they are", () => {
  const text = `zwei Zeilen\n  – “ja”, 日本 😀${"x".repeat(10_000)}`;
  expect(safeText(text)).toBe(text);
});

it("shows what would move, recolour or hide text on a terminal", () => {
  expect(safeText("a\u001b[2Jb\rc\n\u202ed\u009be")).toBe("a\\x1b[2Jb\\rc\n\\u{202e}d\\x9be");
});
