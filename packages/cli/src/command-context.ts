import type { OutputConfiguration } from "commander";
import type { ExitCode } from "./exit-code.js";

/** What commands may touch of the process that they run in. */
export interface CommandContext {
  readonly version: string;
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: { write(text: string): unknown };
  readonly stderr: { write(text: string): unknown };
  readonly commanderOutput: OutputConfiguration;
  /** Told of SIGINT and SIGTERM until it returns a function that ends the telling. */
  onSignal(listener: (signal: "SIGINT" | "SIGTERM") => void): () => void;
  /** The code that the process ends with. The first that is not `ok` stays. */
  setExitCode(code: ExitCode): void;
  /** Ends the process at once. For a second signal only. */
  exitNow(code: ExitCode): never;
}
