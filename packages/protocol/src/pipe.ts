/**
 * Bytes both ways between two peers: a socket pair, a message port, anything ordered and reliable.
 *
 * A type of the launch contract: the bootstrap that starts a plugin makes the pipe and the plugin's own copy of the
 * SDK speaks the lane over it, so it is structural.
 */
export interface Pipe {
  /** Begins delivery. Called once. */
  start(receiver: PipeReceiver): void;
  /**
   * Sends bytes, which must not change from here on until the pipe says `drained`. False says that enough is waiting
   * already: the sender should hold what can wait until then. Ignored after the end.
   */
  write(bytes: Uint8Array): boolean;
  /** Runs a task when the work of this turn is done and before waiting for I/O (`process.nextTick` in Node). */
  defer(task: () => void): void;
  /** Sends what is waiting, then ends. */
  end(): void;
  /** Ends now; what is waiting is lost. `closed` is still told. */
  destroy(): void;
}

export interface PipeReceiver {
  /** Valid only until this returns. */
  data(bytes: Uint8Array): void;
  /** Once after a `write` that was false: all that was written is sent, its bytes are free again; write on. */
  drained(): void;
  /** The end, exactly once; with an error if it was not orderly. */
  closed(error: Error | undefined): void;
}
