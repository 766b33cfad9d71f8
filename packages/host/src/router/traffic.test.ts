import { createFailure } from "@connect-plugin/protocol";
import { describe, expect, test } from "vitest";
import { createTraffic, type EdgeKey } from "./traffic.js";

function key(method: string, caller = "api"): EdgeKey {
  return { caller, provider: "kv", service: "kv.v1.Kv", method, distance: "worker" };
}

describe("createTraffic", () => {
  test("has one edge for each way, and tells of those that were used, in order", () => {
    const traffic = createTraffic(10);
    expect(traffic.edge(key("Get"))).toBe(traffic.edge(key("Get")));
    traffic.edge(key("Get", "web")).ended(1, undefined);
    traffic.edge(key("Put")).ended(1, undefined);
    traffic.edge(key("Get")).ended(1, undefined);
    traffic.edge(key("Unused"));
    expect(traffic.snapshot().map(({ caller, method }) => `${caller} ${method}`)).toEqual([
      "api Get",
      "api Put",
      "web Get",
    ]);
  });

  test("counts failures, but not those who changed their minds", () => {
    const traffic = createTraffic(10);
    const edge = traffic.edge(key("Get"));
    edge.ended(1, undefined);
    edge.ended(1, createFailure("HANDLER_FAILED", "broken"));
    edge.ended(1, createFailure("CANCELLED", "changed my mind"));
    expect(traffic.snapshot()).toMatchObject([{ calls: 3, errors: 1 }]);
  });

  test("counts what is too much to be counted apart together", () => {
    const traffic = createTraffic(2);
    for (const method of ["A", "B", "C", "D"]) traffic.edge(key(method)).ended(1, undefined);
    expect(traffic.snapshot().map(({ caller, method, calls }) => [caller, method, calls])).toEqual([
      ["api", "A", 1],
      ["api", "B", 1],
      ["(others)", "", 2],
    ]);
  });
});
