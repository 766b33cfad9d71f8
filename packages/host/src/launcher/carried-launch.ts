import {
  type BootFrame,
  type CallFailure,
  checkBootReport,
  createFailure,
  encodeBootFrame,
  type Manifest,
} from "@connect-plugin/protocol";
import { createLane, type Lane } from "@connect-plugin/rpc";
import type { Carrier, CarrierEnd, TellOutput } from "./carrier.js";
import { type EntryFile, requireEntryFile } from "./entry-file.js";
import {
  exitedEarly,
  garbage,
  givenUp,
  manifestRefused,
  refused,
  silent,
  unsendable,
  wouldNotEnd,
} from "./launch-failure.js";
import type { Launched, LaunchRequest } from "./launcher.js";
import { type BootPipe, createBootPipe } from "./pipe/boot-pipe.js";
import { untilAborted } from "./until-aborted.js";
import { within } from "./within.js";

/** How long a bootstrap that has reported failure may take to end by itself, so that its last words are heard. */
const LAST_WORDS_MS = 1_000;

/** How long the last bytes of a carrier that is gone may take. */
const LAST_BYTES_MS = 500;

/** Lines of stderr that are shown when a plugin ends before it has said anything. */
const LINES_SHOWN = 10;

/** Launches a plugin in a carrier that talks through a pipe: the same for a process and for a worker. */
export async function launchCarried(
  open: (tell: TellOutput) => Promise<Carrier>,
  file: EntryFile,
  request: LaunchRequest,
): Promise<Launched> {
  const { signal, boot } = request;
  const { plugin } = boot;
  if (signal.aborted) throw givenUp(plugin, signal, "nothing had been started");
  await requireEntryFile(plugin, file);
  const frame = encodeBoot(plugin, { entry: file.url, boot });
  const lastLines: string[] = [];
  const carrier = await open((stream, line) => {
    if (stream === "stderr" && lastLines.push(line) > LINES_SHOWN) lastLines.shift();
    request.output(stream, line);
  });
  const host = createBootPipe(carrier.pipe);
  host.send(frame);
  try {
    const manifest = await readManifest(carrier, host, file, request, lastLines);
    const lane = createLane(host.pipe, {
      side: "host",
      handler: request.handler,
      peerName: `plugin ${plugin}`,
      limits: boot.messageBytes === undefined ? {} : { maxMessage: boot.messageBytes },
    });
    return createLaunched(plugin, manifest, carrier, host, lane);
  } catch (error) {
    carrier.kill();
    await carrier.ended;
    carrier.pipe.destroy();
    await host.ended;
    throw error;
  }
}

function encodeBoot(plugin: string, frame: BootFrame): Uint8Array {
  try {
    return encodeBootFrame(frame);
  } catch (error) {
    throw unsendable(plugin, error);
  }
}

async function readManifest(
  carrier: Carrier,
  host: BootPipe,
  { path }: EntryFile,
  { boot: { plugin }, signal }: LaunchRequest,
  lastLines: readonly string[],
): Promise<Manifest> {
  const read = await untilAborted(signal, host.read);
  if (read === undefined) throw givenUp(plugin, signal, `${path} was being imported`);
  if (read.state === "broken") throw garbage(plugin, read.failure);
  if (read.state === "ended") {
    if (!(await within(LAST_WORDS_MS, carrier.ended))) throw silent(plugin);
    throw exitedEarly(plugin, await carrier.ended, lastLines);
  }
  const check = checkBootReport(read.value);
  if (!check.ok) {
    const isManifest = check.failure.info?.reason !== "LANE_PROTOCOL";
    throw isManifest ? manifestRefused(plugin, path, check.failure) : garbage(plugin, check.failure);
  }
  if (check.report.ok) return check.report.manifest;
  await within(LAST_WORDS_MS, carrier.ended);
  throw refused(plugin, path, check.report);
}

function createLaunched(
  plugin: string,
  manifest: Manifest,
  carrier: Carrier,
  host: BootPipe,
  lane: Lane,
): Launched {
  let trouble: CallFailure | undefined;
  void lane.closed.then(({ how, failure }) => {
    if (how === "lost" && failure.info?.reason === "LANE_PROTOCOL") trouble = failure;
  });

  async function end(): Promise<CarrierEnd["exit"]> {
    const end = await carrier.ended;
    if (end.leaked) trouble ??= wouldNotEnd(plugin, end);
    if (!(await within(LAST_BYTES_MS, lane.closed))) {
      lane.close(createFailure("CONNECTION_LOST", `plugin "${plugin}" ${end.words}`, { facts: { plugin } }));
    }
    carrier.pipe.destroy();
    await host.ended;
    return end.exit;
  }

  const exited = end();
  return {
    manifest,
    connection: lane,
    pid: carrier.pid,
    exited,
    terminate: () => carrier.terminate(),
    async kill() {
      carrier.kill();
      await exited;
    },
    get trouble() {
      return trouble;
    },
  };
}
