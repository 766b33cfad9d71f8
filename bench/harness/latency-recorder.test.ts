import { expect, test } from "vitest";
import { createLatencyRecorder } from "./latency-recorder.js";

function recordAll(capacity: number, latencies: Iterable<number>) {
  const recorder = createLatencyRecorder(capacity);
  for (const latency of latencies) recorder.add(latency);
  return recorder;
}

function* downFrom(first: number) {
  for (let value = first; value > 0; value -= 1) yield value;
}

test("percentiles are of the sorted samples", () => {
  expect(recordAll(1000, downFrom(100)).percentiles([0, 50, 99, 100])).toEqual({
    0: 1,
    50: 51,
    99: 100,
    100: 100,
  });
});

test("one sample is every percentile", () => {
  expect(recordAll(8, [7]).percentiles([50, 99])).toEqual({ 50: 7, 99: 7 });
});

test("past its capacity the oldest are forgotten", () => {
  expect(recordAll(3, [100, 1, 2, 3]).percentiles([0, 100])).toEqual({ 0: 1, 100: 3 });
});

test("after a reset the samples before it do not count", () => {
  const recorder = recordAll(8, [100, 200]);
  recorder.reset();
  recorder.add(5);
  expect(recorder.percentiles([50, 100])).toEqual({ 50: 5, 100: 5 });
});

test("there are no percentiles of nothing", () => {
  expect(() => createLatencyRecorder(8).percentiles([50])).toThrow(
    new RangeError("percentiles: wanted at least one sample, found none"),
  );
});
