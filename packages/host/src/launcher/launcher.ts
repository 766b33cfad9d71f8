import type {
  Boot,
  CallFailure,
  CallHandler,
  Connection,
  Distance,
  Manifest,
} from "@connect-plugin/protocol";
import type { InstanceExit } from "../event.js";

/**
 * A distance: one way of running a plugin. Every launcher is held to the one contract in `testing/launcher-contract`.
 */
export interface Launcher {
  readonly distance: Distance;
  /** What it takes to launch, for views: the entry file, say. */
  readonly describe: string;
  /**
   * Starts the carrier and runs the plugin's entry in it. Settles once the entry's manifest is known and the
   * connection stands (its lane may be used); rejects with a ConnectError (PLUGIN_FILE_MISSING, IMPORT_FAILED,
   * NOT_A_PLUGIN, ENTRY_ABI_UNSUPPORTED, LAUNCH_FAILED, EXITED_EARLY, LAUNCH_TIMEOUT), and then nothing is left behind.
   */
  launch(request: LaunchRequest): Promise<Launched>;
}

export interface LaunchRequest {
  readonly boot: Boot;
  /** Takes the calls that the plugin makes to the host; the handshake comes this way too. */
  readonly handler: CallHandler;
  /** One line of what the plugin wrote, without the line end. Bounded by the launcher. */
  output(stream: "stdout" | "stderr", line: string): void;
  /** Gives up launching. */
  readonly signal: AbortSignal;
}

export interface Launched {
  readonly manifest: Manifest;
  readonly connection: Connection;
  readonly pid: number | undefined;
  /** The carrier's end: exactly once, never rejects. Not before the connection has ended and the output has been told. */
  readonly exited: Promise<InstanceExit>;
  /** Asks the carrier to end (SIGTERM to the process). */
  terminate(): void;
  /** Ends the carrier at once: SIGKILL to the process group, `terminate()` of a worker. Settles when gone or given up on. */
  kill(): Promise<void>;
  /** Why it ended, where the launcher knows more than the exit does: a broken pipe, garbage, a guard. */
  readonly trouble: CallFailure | undefined;
}
