/** What is wrong with a configuration file, each with its place, ready to be shown. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, problems: readonly ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${placeOf(file, problem)}: ${problem.message}`);
    super(`${file} cannot be used:\n${lines.join("\n")}`);
    this.file = file;
    this.problems = problems;
  }
}

export interface ConfigProblem {
  /** From 1; absent where the problem has no place in the file. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Says what was wanted and what was found. */
  readonly message: string;
}

function placeOf(file: string, { line, column }: ConfigProblem): string {
  return line === undefined ? file : `${file}:${line}:${column}`;
}
