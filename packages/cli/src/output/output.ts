/** Where a command's results go: for people as text, for programs as one JSON value a line. */
export interface Output {
  readonly json: boolean;
  /** A result. People see the text, programs the record. */
  result(text: string, record: object): void;
  /** A remark for people; programs do not see it. */
  remark(text: string): void;
  /** What went wrong, on stderr; for programs as a record with `error`. */
  problem(text: string, record: object): void;
}

interface Streams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
}

export function createOutput(json: boolean, streams: Streams): Output {
  const write = (stream: Streams["stdout"], text: string) => stream.write(`${text}\n`);
  return {
    json,
    result: (text, record) => write(streams.stdout, json ? JSON.stringify(record) : text),
    remark: (text) => {
      if (!json) write(streams.stderr, text);
    },
    problem: (text, record) => write(streams.stderr, json ? JSON.stringify({ error: record }) : text),
  };
}
