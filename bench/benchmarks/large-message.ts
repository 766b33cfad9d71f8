import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import type { CallLoad } from "../harness/call-load.js";
import { interleave } from "../harness/interleave.js";
import { createRow } from "../harness/row.js";
import type { LargeOrder } from "../subjects/ours-large.subject.js";

export const largeMessage: Benchmark = {
  name: "large-message",
  about:
    "small calls C to D through the host while messages of 64 MiB pass from A to B; peer: the same calls alone",
  async run(bench) {
    const { pace } = bench;
    const subject = await bench.start<LargeOrder, CallLoad>(nodeSubject("ours-large"));
    const during = async () => await subject.order({ ms: pace.runMs, largeMessageMib: 64 });
    const alone = async () => await subject.order({ ms: pace.runMs, largeMessageMib: 0 });
    await subject.order({ ms: pace.warmUpMs, largeMessageMib: 0 });
    const [busy, calm] = await interleave(pace.rounds, [during, alone]);
    return [
      createRow({
        name: "p99 of small calls beside a 64 MiB message",
        unit: "us",
        peer: "the same calls alone",
        ours: busy!.map(({ p99Us }) => p99Us),
        theirs: calm!.map(({ p99Us }) => p99Us),
        target: { kind: "ratio at most", value: 10 },
      }),
    ];
  },
};
