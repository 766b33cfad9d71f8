import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import { type CallLoad, callsPerSecond } from "../harness/call-load.js";
import { createRow, type MeasuredRow } from "../harness/row.js";
import type { EchoOrder } from "../services/echo-service.js";
import { loadEach, warmUp } from "./compare-echo.js";

export const inProcessCall: Benchmark = {
  name: "in-process-call",
  about: "echo from a host to a plugin in its own process; peer: connect-es's in-memory transport",
  async run(bench) {
    const ours = await bench.start<EchoOrder, CallLoad>(nodeSubject("ours-echo", ["in-process"]));
    const memory = await bench.start<EchoOrder, CallLoad>(nodeSubject("connect-memory"));
    const subjects = [ours, memory];
    await warmUp(bench, subjects);
    const rows: MeasuredRow[] = [];
    for (const inFlight of [32, 1]) {
      const loads = await loadEach(bench, subjects, inFlight);
      rows.push(
        createRow({
          name: `in-process call: throughput, ${inFlight} in flight`,
          unit: "calls/s",
          peer: "connect-es, in-memory transport",
          ours: loads[0]!.map(callsPerSecond),
          theirs: loads[1]!.map(callsPerSecond),
          target: { kind: "ratio at least", value: 10 },
        }),
      );
    }
    return rows;
  },
};
