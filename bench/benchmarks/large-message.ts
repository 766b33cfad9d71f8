import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import type { CallLoad } from "../harness/call-load.js";
import { interleave } from "../harness/interleave.js";
import { createRow } from "../harness/row.js";
import type { LargeOrder } from "../subjects/ours-large.subject.js";

/** Just under the default limit of a message. */
const LARGE_MESSAGE_MIB = 15;

export const largeMessage: Benchmark = {
  name: "large-message",
  about:
    "small calls C to D through the host while large messages pass from A to B; peer: the same calls alone",
  async run(bench) {
    const { pace } = bench;
    const subject = await bench.start<LargeOrder, CallLoad>(nodeSubject("ours-large"));
    const during = async () => await subject.order({ ms: pace.runMs, largeMessageMib: LARGE_MESSAGE_MIB });
    const alone = async () => await subject.order({ ms: pace.runMs, largeMessageMib: 0 });
    await subject.order({ ms: pace.warmUpMs, largeMessageMib: 0 });
    const [busy, calm] = await interleave(pace, [during, alone]);
    return [
      createRow({
        name: `p99 of small calls beside messages of ${LARGE_MESSAGE_MIB} MiB`,
        unit: "us",
        peer: "the same calls alone",
        ours: busy!.map(({ p99Us }) => p99Us),
        theirs: calm!.map(({ p99Us }) => p99Us),
        target: { kind: "ratio at most", value: 10 },
      }),
    ];
  },
};
