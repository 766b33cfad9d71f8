import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import type { CallLoad } from "../harness/call-load.js";
import type { EchoOrder } from "../services/echo-service.js";
import { compareEcho } from "./compare-echo.js";

export const routedCall: Benchmark = {
  name: "routed-call",
  about: "echo from a plugin through the host to another plugin; peer: our own lane from host to plugin",
  async run(bench) {
    const ours = await bench.start<EchoOrder, CallLoad>(nodeSubject("ours-routed"));
    const direct = await bench.start<EchoOrder, CallLoad>(nodeSubject("ours-echo", ["child-process"]));
    return await compareEcho(bench, "plugin to host to plugin", ours, [
      {
        name: "our lane, host to plugin",
        short: "direct",
        subject: direct,
        throughput: { kind: "ratio at least", value: 0.5 },
        alone: { kind: "ratio at most", value: 2.2 },
      },
    ]);
  },
};
