import { addAbortListener, removeAbortListener } from "./abort-listeners.js";
import { aborted, type CallSetup, cancelled, deadlinePassed } from "./call-setup.js";
import { Cancellation } from "./cancellation.js";
import type { ClientMethod } from "./client-method.js";
import { NOT_WAITING, type Timed } from "./timer-wheel.js";

/**
 * Deadline, abort and parent of a call with interceptors around it, as the one signal that those are given: an
 * interceptor may make the call several times, or wait, and all of it is bounded.
 */
export class CallScope implements Timed {
  readonly deadline: number;
  wheelTick = NOT_WAITING;
  wheelNext: Timed | undefined = undefined;
  wheelPrevious: Timed | undefined = undefined;
  private readonly method: ClientMethod;
  private readonly setup: CallSetup;
  private readonly cancellation = new Cancellation();
  private readonly forgetParent: (() => void) | undefined;

  constructor(method: ClientMethod, setup: CallSetup) {
    this.method = method;
    this.setup = setup;
    this.deadline = setup.deadline;
    const { signal, parent } = setup;
    if (signal?.aborted === true) this.onAbort();
    else if (signal !== undefined) addAbortListener(signal, this.onAbort);
    this.forgetParent = parent?.onCancel((failure) => this.cancellation.cancel(failure));
    method.timers.add(this);
  }

  get signal(): AbortSignal {
    return this.cancellation.signal;
  }

  expire(): void {
    this.cancellation.cancel(deadlinePassed(this.method, this.setup));
  }

  leave(): void {
    this.cancellation.cancel(cancelled(this.method, "its caller left the stream before its end"));
    this.finish();
  }

  /** Idempotent. */
  finish(): void {
    this.method.timers.remove(this);
    const { signal } = this.setup;
    if (signal !== undefined) removeAbortListener(signal, this.onAbort);
    this.forgetParent?.();
    this.cancellation.finish();
  }

  private readonly onAbort = (): void => {
    const { signal } = this.setup;
    if (signal !== undefined) this.cancellation.cancel(aborted(this.method, signal));
  };
}
