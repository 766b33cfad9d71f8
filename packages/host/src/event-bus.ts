import type { Emit, HostEvent } from "./event.js";

/** Hands everything that happens in a host to whoever listens. */
export interface EventBus {
  readonly emit: Emit;
  /** Calls the listener for each event from now on, in order, while it happens. Returns what ends that. */
  subscribe(listener: (event: HostEvent) => void): () => void;
}

/** @param onError told of what a listener throws; that never disturbs the host or other listeners */
export function createEventBus(onError: (error: unknown) => void): EventBus {
  const listeners = new Set<{ readonly call: (event: HostEvent) => void }>();
  return {
    emit(event) {
      for (const listener of [...listeners]) {
        try {
          listener.call(event);
        } catch (error) {
          onError(error);
        }
      }
    },
    subscribe(call) {
      const listener = { call };
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
