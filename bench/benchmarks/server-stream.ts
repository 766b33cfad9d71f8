import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import { interleave } from "../harness/interleave.js";
import { createRow } from "../harness/row.js";
import { messagesPerSecond, type StreamLoad } from "../harness/stream-load.js";
import type { StreamOrder } from "../services/store-service.js";

export const serverStream: Benchmark = {
  name: "server-stream",
  about: "a server stream of 100-byte messages from a child process; peer: connect-es over HTTP/2",
  async run(bench) {
    const { pace } = bench;
    const subjects = [
      await bench.start<StreamOrder, StreamLoad>(nodeSubject("ours-stream")),
      await bench.start<StreamOrder, StreamLoad>(nodeSubject("connect-http2")),
    ];
    for (const subject of subjects) await subject.order({ ms: pace.warmUpMs });
    const [ours, theirs] = await interleave(
      pace,
      subjects.map((subject) => async () => await subject.order({ ms: pace.runMs })),
    );
    return [
      createRow({
        name: "server stream of 100-byte messages",
        unit: "messages/s",
        peer: "connect-es, HTTP/2, unix socket",
        ours: ours!.map(messagesPerSecond),
        theirs: theirs!.map(messagesPerSecond),
        target: { kind: "ratio at least", value: 2.5 },
      }),
    ];
  },
};
