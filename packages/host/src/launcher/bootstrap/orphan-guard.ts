import { Worker } from "node:worker_threads";

/** How long the main thread may take to notice that the host is gone before it counts as stuck. */
const NOTICE_MS = 300;

/** How long a plugin that has noticed may take to stop. The main thread's own limit comes first. */
const STOP_MS = 15_000;

/** What main thread and guard tell each other, as indexes of shared numbers. */
const NOTICED = 0;
const GONE = 1;

/**
 * Kills this process if it outlives its host: even a plugin that spins in a loop and hears nothing.
 *
 * A thread of its own with its own event loop, since nothing on the main thread can be relied on then; it waits
 * without blocking, so that it never delays an exit and exit codes stay as they are.
 */
export interface OrphanGuard {
  /** The main thread has noticed that the host is gone and is stopping. */
  noticed(): void;
  /** Whether the host's process is gone, and not just its pipe. */
  readonly hostIsGone: boolean;
}

// As text, because a script file in a thread would be loaded by way of the ES module loader, which takes several times
// as long as all of this.
const source = `
const { Socket } = require("node:net");
const { workerData } = require("node:worker_threads");
const { fd, shared, group } = workerData;
const told = new Int32Array(shared);
function kill() {
  if (group) try { process.kill(-process.pid, "SIGKILL"); } catch {}
  process.kill(process.pid, "SIGKILL");
}
const host = new Socket({ fd, readable: true, writable: false });
host.on("error", () => {});
host.on("close", () => {
  Atomics.store(told, ${GONE}, 1);
  setTimeout(() => {
    if (Atomics.load(told, ${NOTICED}) === 1) setTimeout(kill, ${STOP_MS});
    else kill();
  }, ${NOTICE_MS});
});
host.resume();
`;

/**
 * @param fd an inherited descriptor whose other end the host's process alone holds
 * @param group whether this process leads a process group, which then goes with it
 */
export function startOrphanGuard(fd: number, group: boolean): OrphanGuard {
  const shared = new SharedArrayBuffer(8);
  const told = new Int32Array(shared);
  const thread = new Worker(source, {
    eval: true,
    workerData: { fd, shared, group },
    argv: [],
    env: {},
    execArgv: [],
    stdin: false,
    stdout: false,
    stderr: false,
    trackUnmanagedFds: false,
  });
  thread.unref();
  return {
    noticed: () => void Atomics.store(told, NOTICED, 1),
    get hostIsGone() {
      return Atomics.load(told, GONE) === 1;
    },
  };
}
