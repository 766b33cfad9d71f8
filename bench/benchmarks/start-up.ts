import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import { interleave } from "../harness/interleave.js";
import { createRow } from "../harness/row.js";
import type { StartUpOrder } from "../subjects/ours-start-up.subject.js";

export const startUp: Benchmark = {
  name: "start-up",
  about: "from nothing to a child-process plugin that is ready; peer: bare node importing the same entry",
  async run(bench) {
    const subject = await bench.start<StartUpOrder, number>(nodeSubject("ours-start-up"));
    const ready = async () => await subject.order({ what: "plugin" });
    const bare = async () => await subject.order({ what: "bare import" });
    // The first of each reads files that the others find in memory.
    await interleave({ ...bench.pace, rounds: 1 }, [ready, bare]);
    const [ours, theirs] = await interleave({ ...bench.pace, rounds: bench.pace.quick ? 7 : 21 }, [
      ready,
      bare,
    ]);
    return [
      createRow({
        name: "child-process plugin: launch to ready",
        unit: "ms",
        peer: "node importing the same entry",
        ours: ours!,
        theirs: theirs!,
        target: { kind: "ratio at most", value: 1.6 },
      }),
    ];
  },
};
