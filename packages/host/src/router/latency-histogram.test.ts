import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLatencyHistogram } from "./latency-histogram.js";

describe("createLatencyHistogram", () => {
  test("knows nothing of nothing", () => {
    const histogram = createLatencyHistogram();
    expect([histogram.count, histogram.max, histogram.percentile(0.5)]).toEqual([0, 0, 0]);
  });

  test("is exact for the shortest and for the maximum", () => {
    const histogram = createLatencyHistogram();
    for (const micros of [0, 1, 2, 3, 123_457]) histogram.record(micros / 1_000);
    expect([0, 0.2, 0.4, 0.6, 0.8].map((share) => histogram.percentile(share))).toEqual([0, 0, 1, 2, 3]);
    expect(histogram.max).toBe(123_457);
  });

  test("takes what cannot be: negative and endless durations", () => {
    const histogram = createLatencyHistogram();
    for (const ms of [-5, 1e12]) histogram.record(ms);
    expect([histogram.count, histogram.percentile(0), histogram.max]).toEqual([2, 0, 1e15]);
  });

  test("is right within 7 %, whatever it is given", () => {
    const durations = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(durations, fc.double({ min: 0, max: 1, noNaN: true }), (micros, share) => {
        const histogram = createLatencyHistogram();
        for (const one of micros) histogram.record(one / 1_000);
        const exact =
          micros.toSorted((a, b) => a - b)[Math.max(1, Math.ceil(share * micros.length)) - 1] ?? 0;
        expect(Math.abs(histogram.percentile(share) - exact)).toBeLessThanOrEqual(exact * 0.07);
      }),
    );
  });
});
