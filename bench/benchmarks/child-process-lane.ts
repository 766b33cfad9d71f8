import { type Benchmark, nodeSubject } from "../harness/benchmark.js";
import type { CallLoad } from "../harness/call-load.js";
import { buildGoPlugin } from "../harness/go-plugin.js";
import type { EchoOrder } from "../services/echo-service.js";
import { compareEcho, type EchoPeer } from "./compare-echo.js";

export const childProcessLane: Benchmark = {
  name: "child-process-lane",
  about: "echo from a host to its child process; peers: connect-es over HTTP/2, HashiCorp go-plugin",
  async run(bench) {
    const ours = await bench.start<EchoOrder, CallLoad>(nodeSubject("ours-echo", ["child-process"]));
    const peers: EchoPeer[] = [
      {
        name: "connect-es, HTTP/2, unix socket",
        short: "connect-es",
        subject: await bench.start(nodeSubject("connect-http2")),
        throughput: { kind: "ratio at least", value: 12 },
        alone: { kind: "ratio at most", value: 0.3 },
      },
    ];
    const go = await buildGoPlugin();
    if (go.kind === "missing") bench.note(`not compared with go-plugin: ${go.reason}`);
    else {
      peers.push({
        name: "go-plugin (Go, gRPC)",
        short: "go-plugin",
        subject: await bench.start({ name: "go-plugin", command: go.host, args: [go.plugin] }),
        throughput: { kind: "ratio at least", value: 0.9 },
        alone: { kind: "ratio at most", value: 1.15 },
      });
    }
    return await compareEcho(bench, "child-process lane", ours, peers);
  },
};
