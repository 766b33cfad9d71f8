import { MessageChannel, type ResourceLimits, Worker } from "node:worker_threads";
import { describeValue } from "@connect-plugin/protocol";
import { bootstrapFile } from "./bootstrap-file.js";
import { launchCarried } from "./carried-launch.js";
import { type Carrier, type CarrierEnd, KILL_LIMIT_MS, type TellOutput } from "./carrier.js";
import { type CarrierEnvironment, carrierEnvironment, checkEnvironment } from "./carrier-environment.js";
import { entryFile } from "./entry-file.js";
import type { Launch } from "./launch.js";
import { notStarted } from "./launch-failure.js";
import { createOutputReader } from "./output-reader.js";
import { createRingMemory } from "./pipe/ring.js";
import { createRingPipe, type RingEnds } from "./pipe/ring-pipe.js";

export interface WorkerOptions {
  /** The plugin file: a path, relative to the working directory of the host, or a `file:` URL. */
  readonly entry: string | URL;
  /** Limits of the JavaScript heap and stack, as Node's `Worker` takes them. Memory outside the heap has none. */
  readonly resourceLimits?: Readonly<ResourceLimits>;
  /** Options of Node that a worker may have. Default: none, also if the host has some. */
  readonly execArgv?: readonly string[];
  /**
   * What the plugin sees of the host's environment as its `process.env`, beside PATH, HOME, USER, LOGNAME, TMPDIR,
   * LANG, LANGUAGE, LC_*, TZ and NODE_ENV: names of more variables, or variables with their values (undefined takes one
   * away). Default: nothing.
   */
  readonly env?: CarrierEnvironment;
}

/**
 * Runs a plugin in a worker thread: it can be replaced without a trace and a loop in it blocks nobody else, but it can
 * end the host's process and reach everything in it. For trusted code only.
 *
 * @throws TypeError if an option is not what its type says
 */
export function worker(options: WorkerOptions): Launch {
  const file = entryFile("worker: entry", options.entry);
  const env = checkEnvironment("worker: env", options.env);
  const { execArgv = [], resourceLimits = {} } = options;
  if (!Array.isArray(execArgv)) {
    throw new TypeError(`worker: execArgv must be an array of texts, but is ${describeValue(execArgv)}`);
  }
  return {
    distance: "worker",
    describe: file.path,
    launch: (request) => {
      const { plugin } = request.boot;
      const open = (tell: TellOutput) => openWorker(plugin, { env, execArgv, resourceLimits }, tell);
      return launchCarried(open, file, request);
    },
  };
}

async function openWorker(
  plugin: string,
  options: Required<Pick<WorkerOptions, "env" | "execArgv" | "resourceLimits">>,
  tell: TellOutput,
): Promise<Carrier> {
  const { port1, port2 } = new MessageChannel();
  const [toPlugin, toHost] = [createRingMemory(), createRingMemory()];
  const theirs: RingEnds = { port: port2, incoming: toPlugin, outgoing: toHost };
  try {
    const thread = new Worker(bootstrapFile("worker-bootstrap"), {
      name: plugin,
      workerData: theirs,
      transferList: [port2],
      argv: [],
      env: carrierEnvironment(options.env),
      execArgv: [...options.execArgv],
      resourceLimits: { ...options.resourceLimits },
      stdout: true,
      stderr: true,
    });
    return createWorkerCarrier(thread, { port: port1, incoming: toHost, outgoing: toPlugin }, tell);
  } catch (error) {
    port1.close();
    throw notStarted(plugin, `its worker was refused: ${(error as Error).message}`);
  }
}

function createWorkerCarrier(thread: Worker, ends: RingEnds, tell: TellOutput): Carrier {
  const stdout = createOutputReader(thread.stdout, (line) => tell("stdout", line));
  const stderr = createOutputReader(thread.stderr, (line) => tell("stderr", line));
  let state: "running" | "killed" | "gone" = "running";
  let giveUp: NodeJS.Timeout | undefined;
  let settle: (end: CarrierEnd) => void = () => {};
  const gone = new Promise<CarrierEnd>((resolve) => {
    settle = resolve;
  });
  let uncaught: unknown;

  // A process would have written it itself.
  thread.on("error", (error: unknown) => {
    uncaught = error;
  });
  thread.once("exit", (code) => {
    state = "gone";
    clearTimeout(giveUp);
    settle({
      exit: { kind: "worker", code, leaked: false },
      words: `ended its worker with code ${code}`,
      leaked: false,
    });
  });

  async function end(): Promise<CarrierEnd> {
    const ending = await gone;
    await Promise.all([stdout.finish(), stderr.finish()]);
    for (const line of linesOf(uncaught)) tell("stderr", line);
    return ending;
  }

  return {
    pipe: createRingPipe(ends),
    pid: undefined,
    ended: end(),
    terminate() {
      if (state === "running") thread.postMessage("the host asked its worker to end");
    },
    kill() {
      if (state !== "running") return;
      state = "killed";
      // May wait for a synchronous call in the thread, and forever behind a blocking read.
      void thread.terminate();
      giveUp = setTimeout(() => {
        thread.unref();
        settle({
          exit: { kind: "worker", code: 1, leaked: true },
          words: `still blocks its worker ${KILL_LIMIT_MS} ms after it was to end; only the end of the host ends it`,
          leaked: true,
        });
      }, KILL_LIMIT_MS);
    },
  };
}

/** What the thread died of, bounded as other output is. */
function linesOf(uncaught: unknown): readonly string[] {
  if (uncaught === undefined) return [];
  const text = uncaught instanceof Error ? (uncaught.stack ?? uncaught.message) : String(uncaught);
  return text.slice(0, 8_192).split("\n").slice(0, 50);
}
