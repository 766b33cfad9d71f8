import { fileURLToPath } from "node:url";
import type { Rounds } from "./interleave.js";
import type { MeasuredRow } from "./row.js";
import { type Subject, type SubjectCommand, startSubject } from "./subject.js";

/** One file in `benchmarks/`. */
export interface Benchmark {
  /** For `--only`. */
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  run(bench: Bench): Promise<MeasuredRow[]>;
}

/** How long everything takes. */
export interface Pace extends Rounds {
  readonly quick: boolean;
  readonly warmUpMs: number;
  /** Of one measurement. */
  readonly runMs: number;
}

export const fullPace: Pace = {
  quick: false,
  rounds: 7,
  limitMs: Number.POSITIVE_INFINITY,
  warmUpMs: 1_500,
  runMs: 1_500,
};
export const quickPace: Pace = { quick: true, rounds: 3, limitMs: 4_000, warmUpMs: 400, runMs: 400 };

/** What a benchmark may use. */
export interface Bench {
  readonly pace: Pace;
  /** Shown under the table. */
  note(text: string): void;
  /** Starts a process that is ended with the benchmark at the latest. */
  start<Order, Result>(command: SubjectCommand): Promise<Subject<Order, Result>>;
}

/** Runs it and ends every process that it has started, whatever happens. */
export async function runBenchmark(
  benchmark: Benchmark,
  pace: Pace,
  note: (text: string) => void,
): Promise<MeasuredRow[]> {
  const subjects: { end(): Promise<void> }[] = [];
  try {
    return await benchmark.run({
      pace,
      note,
      async start<Order, Result>(command: SubjectCommand) {
        const subject = await startSubject<Order, Result>(command);
        subjects.push(subject);
        return subject;
      },
    });
  } finally {
    await Promise.all(subjects.map((subject) => subject.end()));
  }
}

/** A file in `subjects/`, without its ending, run by this Node. */
export function nodeSubject(
  file: string,
  args: readonly string[] = [],
  flags: readonly string[] = [],
): SubjectCommand {
  const path = fileURLToPath(new URL(`../subjects/${file}.subject.js`, import.meta.url));
  return { name: [file, ...args].join(" "), command: process.execPath, args: [...flags, path, ...args] };
}
