import { type Bench, type Benchmark, nodeSubject } from "../harness/benchmark.js";
import { interleave } from "../harness/interleave.js";
import type { AddedMemory } from "../harness/memory.js";
import { createRow } from "../harness/row.js";
import type { ReadOrder } from "../subjects/ours-relay.subject.js";

const MIB = 1 << 20;

export const streamMemory: Benchmark = {
  name: "stream-memory",
  about:
    "what a long stream between two plugins adds to the host's memory; peer: a.pipe(b) between two children",
  async run(bench) {
    const sizes = bench.pace.quick ? { short: 64, long: 512 } : { short: 256, long: 2048 };
    if (bench.pace.quick) {
      bench.note(`${sizes.short} and ${sizes.long} MiB instead of 256 and 2048, because of --quick`);
    }
    const pace = { ...bench.pace, rounds: Math.min(bench.pace.rounds, 3) };
    const [short, pipe, long] = await interleave(pace, [
      async () => await measureOnce(bench, "ours-relay", sizes.short),
      async () => await measureOnce(bench, "pipe", sizes.short),
      async () => await measureOnce(bench, "ours-relay", sizes.long),
    ]);
    return [
      createRow({
        name: `${sizes.short} MiB through the router: memory added to the host`,
        unit: "MiB",
        peer: "a.pipe(b)",
        ours: short!.map(addedMib),
        theirs: pipe!.map(addedMib),
        target: { kind: "adds at most", value: 16 },
      }),
      createRow({
        name: `${sizes.long} MiB through the router: memory added to the host`,
        unit: "MiB",
        peer: `${sizes.short} MiB through the router`,
        ours: long!.map(addedMib),
        theirs: short!.map(addedMib),
        target: { kind: "adds at most", value: 8 },
      }),
      createRow({
        name: `${sizes.short} MiB through the router: speed`,
        unit: "MiB/s",
        peer: "a.pipe(b)",
        ours: short!.map(({ ms }) => sizes.short / (ms / 1000)),
        theirs: pipe!.map(({ ms }) => sizes.short / (ms / 1000)),
      }),
    ];
  },
};

/** In a fresh process, since memory that was once taken is not taken again. */
async function measureOnce(bench: Bench, file: string, mib: number): Promise<AddedMemory> {
  const subject = await bench.start<ReadOrder, AddedMemory>(nodeSubject(file, [], ["--expose-gc"]));
  try {
    return await subject.order({ bytes: mib * MIB });
  } finally {
    await subject.end();
  }
}

// Never nothing: ratios are made of it.
function addedMib({ addedBytes }: AddedMemory): number {
  return Math.max(addedBytes / MIB, 0.01);
}
