import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { CliError } from "../cli-error.js";
import { ExitCode } from "../exit-code.js";

/** The request messages of `--data`, in order; each `-` stands for the JSON lines of stdin. */
export async function* readRequests(
  data: readonly string[],
  stdin: AsyncIterable<Uint8Array>,
): AsyncGenerator<string> {
  for (const text of data) {
    if (text !== "-") {
      yield checked(text, "--data");
      continue;
    }
    let line = 0;
    for await (const read of createInterface({
      input: Readable.from(stdin),
      crlfDelay: Number.POSITIVE_INFINITY,
    })) {
      line += 1;
      if (read.trim() !== "") yield checked(read, `line ${line} of stdin`);
    }
  }
}

function checked(text: string, where: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(ExitCode.usage, "MESSAGE_INVALID", `${where} is not JSON: ${why}`);
  }
}
