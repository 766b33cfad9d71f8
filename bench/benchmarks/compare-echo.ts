import type { Bench } from "../harness/benchmark.js";
import { type CallLoad, callsPerSecond } from "../harness/call-load.js";
import { interleave } from "../harness/interleave.js";
import { createRow, type MeasuredRow, type Target } from "../harness/row.js";
import type { Subject } from "../harness/subject.js";
import { ECHO_TEXT_BYTES, type EchoOrder } from "../services/echo-service.js";

export type EchoSubject = Subject<EchoOrder, CallLoad>;

export interface EchoPeer {
  readonly name: string;
  /** For the names of the rows, which are unique. */
  readonly short: string;
  readonly subject: EchoSubject;
  /** Of calls a second with 32 in flight. */
  readonly throughput?: Target;
  /** Of the median latency of a call alone. */
  readonly alone?: Target;
}

const manyInFlight = 32;

/** The 110-byte echo of ours and of each peer, interleaved: calls a second with 32 in flight, and the latency alone. */
export async function compareEcho(
  bench: Bench,
  name: string,
  ours: EchoSubject,
  peers: readonly EchoPeer[],
): Promise<MeasuredRow[]> {
  const subjects = [ours, ...peers.map(({ subject }) => subject)];
  await warmUp(bench, subjects);
  const busy = await loadEach(bench, subjects, manyInFlight);
  const alone = await loadEach(bench, subjects, 1);
  return peers.flatMap((peer, index) => [
    createRow({
      name: `${name} vs ${peer.short}: throughput, ${manyInFlight} in flight`,
      unit: "calls/s",
      peer: peer.name,
      ours: busy[0]!.map(callsPerSecond),
      theirs: busy[index + 1]!.map(callsPerSecond),
      ...(peer.throughput && { target: peer.throughput }),
    }),
    createRow({
      name: `${name} vs ${peer.short}: p50 alone`,
      unit: "us",
      peer: peer.name,
      ours: alone[0]!.map(({ p50Us }) => p50Us),
      theirs: alone[index + 1]!.map(({ p50Us }) => p50Us),
      ...(peer.alone && { target: peer.alone }),
    }),
  ]);
}

/** Both kinds of load, so that both have been compiled before anything counts. */
export async function warmUp({ pace }: Bench, subjects: readonly EchoSubject[]): Promise<void> {
  for (const inFlight of [manyInFlight, 1]) {
    for (const subject of subjects)
      await subject.order({ inFlight, ms: pace.warmUpMs, bytes: ECHO_TEXT_BYTES });
  }
}

export async function loadEach(
  { pace }: Bench,
  subjects: readonly EchoSubject[],
  inFlight: number,
): Promise<readonly CallLoad[][]> {
  const order = { inFlight, ms: pace.runMs, bytes: ECHO_TEXT_BYTES };
  return await interleave(
    pace,
    subjects.map((subject) => async () => await subject.order(order)),
  );
}
