// npm run bench: measures, prints a table and writes bench/out/latest.json.
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { benchmarks } from "./catalog.js";
import { type Benchmark, fullPace, quickPace, runBenchmark } from "./harness/benchmark.js";
import { type MeasuredRow, toJson } from "./harness/row.js";
import { formatTable } from "./harness/table.js";
import { readOptions } from "./options.js";

/** With `--quick`, what would begin later is left out: the promise of two minutes holds on a busy machine too. */
const quickLimitMs = 90_000;

const out = new URL("../out/", import.meta.url);

const options = readOptions(
  process.argv.slice(2),
  benchmarks.map(({ name }) => name),
);
switch (options.kind) {
  case "help":
    console.log(help());
    break;
  case "misuse":
    console.error(`bench: ${options.message}\nTry: npm run bench -- --help`);
    process.exitCode = 2;
    break;
  case "run": {
    const wanted = benchmarks.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
    process.exitCode = await measure(wanted, options.quick);
    break;
  }
}

async function measure(wanted: readonly Benchmark[], quick: boolean): Promise<number> {
  const rows: MeasuredRow[] = [];
  const notes: string[] = [];
  let failed = 0;
  const start = performance.now();
  for (const benchmark of wanted) {
    const began = performance.now();
    if (quick && began - start > quickLimitMs) {
      notes.push(`${benchmark.name}: left out, because the machine was too busy for --quick`);
      continue;
    }
    process.stderr.write(`${benchmark.name} … `);
    try {
      const pace = quick ? quickPace : fullPace;
      rows.push(...(await runBenchmark(benchmark, pace, (text) => notes.push(`${benchmark.name}: ${text}`))));
      process.stderr.write(`${((performance.now() - began) / 1000).toFixed(0)} s\n`);
    } catch (error) {
      failed += 1;
      process.stderr.write("failed\n");
      notes.push(`${benchmark.name}: FAILED, so its rows are missing: ${String(error)}`);
    }
  }
  const file = fileURLToPath(new URL("latest.json", out));
  mkdirSync(out, { recursive: true });
  writeFileSync(file, toJson(rows));
  const missed = rows.filter(({ met }) => met === false).length;
  console.log(
    `\nNode ${process.version}, ${cpus().length} cores${quick ? ", --quick: the numbers are rough" : ""}\n`,
  );
  console.log(formatTable(rows));
  for (const note of notes) console.log(`\n${note}`);
  console.log(
    `\n${rows.length} rows, ${missed} short of their target, ${failed} benchmarks failed. In ${file}`,
  );
  return failed === 0 ? 0 : 1;
}

function help(): string {
  const width = Math.max(...benchmarks.map(({ name }) => name.length));
  return [
    "npm run bench -- [--quick] [--only NAME]...",
    "",
    "Measures connect-plugin against its peers in one run, prints a table and writes bench/out/latest.json.",
    "A target that is not reached is said in the table and does not fail the command.",
    "",
    "  --quick      less of everything: ends within two minutes, and is rougher",
    "  --only NAME  only this benchmark; may be given again",
    "  --help       this",
    "",
    ...benchmarks.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`),
    "",
    "Example: npm run bench -- --quick --only child-process-lane",
  ].join("\n");
}
