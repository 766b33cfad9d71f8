import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { HOST_VERSION } from "./host-version.js";

it("is that of the package", () => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  expect(HOST_VERSION).toBe(JSON.parse(text).version);
});
