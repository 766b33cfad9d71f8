import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import { interleave } from "../harness/interleave.js";
import { createRow } from "../harness/row.js";
import type { StallOrder, StallReport } from "../subjects/ours-stall.subject.js";

export const stalledReader: Benchmark = {
  name: "stalled-reader",
  about: "a reader that stops reading stops its writer and nobody else",
  async run(bench) {
    const { pace } = bench;
    const subject = await bench.start<StallOrder, StallReport>(nodeSubject("ours-stall"));
    await subject.order({ ms: pace.warmUpMs });
    const [reports] = await interleave(pace, [async () => await subject.order({ ms: pace.runMs })]);
    const pick = (value: (report: StallReport) => number) => reports!.map(value);
    return [
      createRow({
        name: "stalled reader: what its writer goes on to send",
        unit: "MiB",
        peer: "what it had sent before",
        ours: pick((report) => report.sentLaterMib),
        theirs: pick((report) => report.sentAtFirstMib),
        target: { kind: "ratio at most", value: 0 },
      }),
      createRow({
        name: "stalled reader: calls between two other plugins",
        unit: "calls/s",
        peer: "without the stall",
        ours: pick((report) => report.stalled.callsPerSecond),
        theirs: pick((report) => report.alone.callsPerSecond),
        target: { kind: "ratio at least", value: 0.8 },
      }),
      createRow({
        name: "stalled reader: another stream between the same two",
        unit: "MiB/s",
        peer: "without the stall",
        ours: pick((report) => report.stalled.mibPerSecond),
        theirs: pick((report) => report.alone.mibPerSecond),
        target: { kind: "ratio at least", value: 0.8 },
      }),
    ];
  },
};
