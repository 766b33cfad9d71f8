import { AsyncLocalStorage } from "node:async_hooks";
import type { DeliveredCall, ParentCall } from "@connect-plugin/rpc";

/** Which call a plugin is handling, wherever in its code somebody asks. */
export interface CallTree {
  /** Runs a handler as part of its call. */
  run<T>(call: DeliveredCall, task: () => T): T;
  /** The call that is being handled, if the code that asks runs on behalf of one of this session's. */
  parent(): ParentCall | undefined;
}

interface Frame {
  readonly tree: CallTree;
  readonly call: DeliveredCall;
}

/**
 * One storage for all sessions of the process, because each storage makes every promise of the process dearer. The
 * frame says whose it is: what one in-process plugin starts while another one's call runs through it belongs to
 * neither.
 */
const current = new AsyncLocalStorage<Frame | undefined>();

export function createCallTree(): CallTree {
  const tree: CallTree = {
    run: (call, task) => current.run({ tree, call }, task),
    parent() {
      const frame = current.getStore();
      return frame?.tree === tree && !frame.call.finished ? frame.call : undefined;
    },
  };
  return tree;
}

/** Runs a task as part of no call. */
export function runOutsideCalls<T>(task: () => T): T {
  return current.run(undefined, task);
}
