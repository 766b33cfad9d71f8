import { expect, test } from "vitest";
import { healthStateFromWire, healthStateToWire } from "./health-wire.js";

test("the states of health and the numbers of the wire", () => {
  expect([0, 1, 2, 3, 4].map((state) => healthStateFromWire(state))).toEqual([
    undefined,
    "healthy",
    "degraded",
    "unhealthy",
    undefined,
  ]);
  expect((["healthy", "degraded", "unhealthy"] as const).map(healthStateToWire)).toEqual([1, 2, 3]);
});
