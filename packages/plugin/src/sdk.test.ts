import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SDK } from "./sdk.js";

test("manifests name this package in its present version", () => {
  const { name, version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  expect(SDK).toEqual({ name, version });
});
