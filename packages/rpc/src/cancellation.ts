import type { CallFailure } from "@connect-plugin/protocol";
import { toConnectError } from "./connect-failure.js";

/**
 * Whether somebody still wants the result of a piece of work. Like an AbortController, except that its signal is only
 * made when somebody asks for it: an AbortController for each call costs more than all else about a small call.
 */
export class Cancellation {
  private state: CallFailure | "open" | "finished" = "open";
  private controller: AbortController | undefined;
  private listeners: Set<(failure: CallFailure) => void> | undefined;

  /** The work is done; nothing can cancel it any more. */
  get finished(): boolean {
    return this.state === "finished";
  }

  /** Why it was cancelled, if it was. */
  get failure(): CallFailure | undefined {
    return typeof this.state === "object" ? this.state : undefined;
  }

  /** Aborted with a `ConnectError` on cancellation, and, as in connect-es, when the work is done. */
  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.state !== "open") this.abort();
    }
    return this.controller.signal;
  }

  /** Only the first counts. Listeners must not throw. */
  cancel(failure: CallFailure): void {
    if (this.state !== "open") return;
    this.state = failure;
    const listeners = this.listeners;
    this.listeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener(failure);
    if (this.controller !== undefined) this.abort();
  }

  finish(): void {
    const before = this.state;
    this.state = "finished";
    this.listeners = undefined;
    if (before === "open" && this.controller !== undefined) this.abort();
  }

  /** Calls at once if it is cancelled already. Returns what takes the listener away again. */
  onCancel(listener: (failure: CallFailure) => void): () => void {
    if (typeof this.state === "object") listener(this.state);
    if (this.state !== "open") return ignore;
    this.listeners ??= new Set();
    this.listeners.add(listener);
    return () => this.listeners?.delete(listener);
  }

  private abort(): void {
    const failure = this.failure;
    this.controller?.abort(failure === undefined ? undefined : toConnectError(failure));
  }
}

function ignore(): void {}
