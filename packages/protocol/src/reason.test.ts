import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createFailure } from "./failure.js";
import { allReasons, Codes, isReason, reasonInfo } from "./reason.js";

const document = readFileSync(new URL("../../../docs/reference/errors.md", import.meta.url), "utf8");
const sections = new Map(
  document
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end).split(/^## /m)[0]?.trim() ?? ""] as const;
    }),
);

describe("every reason", () => {
  test("has its paragraph in docs/reference/errors.md, and every paragraph its reason", () => {
    expect([...sections.keys()]).toEqual(allReasons());
  });

  test.each(allReasons())("%s is told with its code, its fault, what happened and what to do", (reason) => {
    const { code, fault } = reasonInfo(reason);
    const name = Object.entries(Codes).find(([, number]) => number === code)?.[0];
    const section = sections.get(reason) ?? "";
    expect(section.startsWith(`\`${name}\`, usually the ${fault}'s fault. `)).toBe(true);
    expect(section).toMatch(/^.{80,}\n\n\*\*What to do\.\*\* .{15,}$/);
  });

  test("is told from other names", () => {
    expect(isReason("NO_PROVIDER")).toBe(true);
    expect(isReason("INVENTED_LATER")).toBe(false);
    expect(isReason("toString")).toBe(false);
  });

  test("has one of the 16 codes", () => {
    const codes: readonly number[] = Object.values(Codes);
    expect(codes).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(allReasons().filter((reason) => !codes.includes(reasonInfo(reason).code))).toEqual([]);
  });
});

describe("a failure of ours", () => {
  test("has the code and the usual fault of its reason", () => {
    expect(createFailure("NO_PROVIDER", "nobody provides it")).toEqual({
      code: Codes.unavailable,
      message: "nobody provides it",
      info: { reason: "NO_PROVIDER", fault: "operator", facts: {} },
      details: [],
      metadata: [],
      notDelivered: false,
    });
  });

  test("can be somebody else's fault, have facts and not have been delivered", () => {
    const facts = { service: "kv.v1.KvService" };
    expect(createFailure("NO_PROVIDER", "x", { fault: "host", facts, notDelivered: true })).toMatchObject({
      info: { fault: "host", facts },
      notDelivered: true,
    });
  });
});
