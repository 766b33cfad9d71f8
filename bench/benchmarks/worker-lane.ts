import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import type { CallLoad } from "../harness/call-load.js";
import type { EchoOrder } from "../services/echo-service.js";
import { compareEcho } from "./compare-echo.js";

export const workerLane: Benchmark = {
  name: "worker-lane",
  about: "echo from a host to its worker; peers: our own child-process lane, comlink, piscina",
  async run(bench) {
    const ours = await bench.start<EchoOrder, CallLoad>(nodeSubject("ours-echo", ["worker"]));
    return await compareEcho(bench, "worker lane", ours, [
      {
        name: "our child-process lane",
        short: "child process",
        subject: await bench.start(nodeSubject("ours-echo", ["child-process"])),
        throughput: { kind: "ratio at least", value: 0.9 },
      },
      { name: "comlink", short: "comlink", subject: await bench.start(nodeSubject("comlink")) },
      { name: "piscina", short: "piscina", subject: await bench.start(nodeSubject("piscina")) },
    ]);
  },
};
