import type { Pipe } from "@connect-plugin/protocol";
import type { InstanceExit } from "../event.js";

/** A process or worker that runs our bootstrap, before anything has been said to it. */
export interface Carrier {
  readonly pipe: Pipe;
  readonly pid: number | undefined;
  /** Settles once it is gone, or given up on after a kill, and what it wrote has been told. Never rejects. */
  readonly ended: Promise<CarrierEnd>;
  /** Asks it to end. */
  terminate(): void;
  /** Ends it. Idempotent; `ended` follows within two seconds. */
  kill(): void;
}

export interface CarrierEnd {
  readonly exit: InstanceExit;
  /** Continues a sentence that begins with the plugin: `was ended by SIGKILL`. */
  readonly words: string;
  /** It was killed and yet is still there. */
  readonly leaked: boolean;
}

/** Told each line that a carrier writes. */
export type TellOutput = (stream: "stdout" | "stderr", line: string) => void;

/** How long a killed carrier may take to be gone. */
export const KILL_LIMIT_MS = 1_500;
