// What a plugin's child process runs first: `node child-bootstrap.js <plugin> <file> [guarded]`. The plugin and its
// file stand there for people who look at the list of processes; what counts comes through the pipe.
import { setTimeout as delay } from "node:timers/promises";
import { EXIT, GUARD_FD, LANE_FD, type Pipe } from "@connect-plugin/protocol/boot";
import { createDescriptorPipe } from "../pipe/descriptor-pipe.js";
import { flushOutput } from "./flush-output.js";
import { startOrphanGuard } from "./orphan-guard.js";
import { runEntry } from "./run-entry.js";

/** By then the guard has seen what the main thread has seen. */
const GUARD_LAG_MS = 20;

async function main(): Promise<void> {
  const guard = process.argv[4] === "guarded" ? startOrphanGuard(GUARD_FD, true) : undefined;
  const run = runEntry(openLane());

  // A terminal's Ctrl-C is for the host, which decides what becomes of its plugins.
  process.on("SIGINT", () => {});
  process.on("SIGTERM", () => run.stop("the process got SIGTERM"));
  void run.disconnected.then(() => guard?.noticed());

  const code = await run.ended;
  await flushOutput();
  if (code !== EXIT.stopped && guard !== undefined) {
    await delay(GUARD_LAG_MS);
    // Nobody else will end what this plugin has started.
    if (guard.hostIsGone) process.kill(-process.pid, "SIGKILL");
  }
  process.exit(code);
}

function openLane(): Pipe {
  try {
    return createDescriptorPipe(LANE_FD);
  } catch {
    console.error(
      `descriptor ${LANE_FD} is not a pipe to a host: this file is started by a connect-plugin host, not by hand; write "connect-plugin run"`,
    );
    process.exit(EXIT.noHost);
  }
}

await main();
