import { spawn } from "node:child_process";
import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import type { CallLoad } from "../harness/call-load.js";
import { interleave } from "../harness/interleave.js";
import { createRow } from "../harness/row.js";
import type { LargeOrder } from "../subjects/ours-large.subject.js";

/** Four times the default limit, which the subject raises. */
const LARGE_MESSAGE_MIB = 64;

/** As many as there are at work on a large message beside the host: who sends it and who takes it. */
const BUSY_PROCESSES = 2;

export const largeMessage: Benchmark = {
  name: "large-message",
  about:
    "small calls C to D through the host while large messages pass from A to B; peer: the same calls alone",
  async run(bench) {
    const { pace } = bench;
    const subject = await bench.start<LargeOrder, CallLoad>(nodeSubject("ours-large"));
    const during = async () => await subject.order({ ms: pace.runMs, largeMessageMib: LARGE_MESSAGE_MIB });
    const alone = async () => await subject.order({ ms: pace.runMs, largeMessageMib: 0 });
    // What the machine itself makes of small calls when as many processes want its processors, whatever they do.
    const besideOthers = async () => {
      const others = Array.from({ length: BUSY_PROCESSES }, () => spinFor(pace.runMs * 2));
      try {
        return await alone();
      } finally {
        for (const other of others) other.kill();
      }
    };
    await subject.order({ ms: pace.warmUpMs, largeMessageMib: 0 });
    const [busy, calm, contended] = await interleave(pace, [during, alone, besideOthers]);
    return [
      createRow({
        name: `p99 of small calls beside messages of ${LARGE_MESSAGE_MIB} MiB`,
        unit: "us",
        peer: "the same calls alone",
        ours: busy!.map(({ p99Us }) => p99Us),
        theirs: calm!.map(({ p99Us }) => p99Us),
        target: { kind: "ratio at most", value: 10 },
      }),
      createRow({
        name: `p99 of small calls beside ${BUSY_PROCESSES} processes that only spin`,
        unit: "us",
        peer: "the same calls alone",
        ours: contended!.map(({ p99Us }) => p99Us),
        theirs: calm!.map(({ p99Us }) => p99Us),
      }),
    ];
  },
};

/** A process that keeps a processor busy, and ends by itself. */
function spinFor(ms: number) {
  const program = `const end = Date.now() + ${ms}; while (Date.now() < end);`;
  return spawn(process.execPath, ["-e", program], { stdio: "ignore" });
}
