// Between two children: a bare a.pipe(b). What ours-relay is compared with.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { nodeSubject } from "../harness/benchmark.js";
import { measureMemory } from "../harness/memory.js";
import { serveOrders } from "../harness/serve-orders.js";

export interface PipeOrder {
  readonly bytes: number;
}

await serveOrders(
  async ({ bytes }: PipeOrder) => {
    await pipeBetweenChildren(1 << 20);
    return await measureMemory(async () => await pipeBetweenChildren(bytes));
  },
  async () => {},
);

async function pipeBetweenChildren(bytes: number): Promise<void> {
  const writer = nodeSubject("pipe-writer", [String(bytes)]);
  const reader = nodeSubject("pipe-reader");
  const a = spawn(writer.command, writer.args, { stdio: ["ignore", "pipe", "inherit"] });
  const b = spawn(reader.command, reader.args, { stdio: ["pipe", "pipe", "inherit"] });
  a.stdout.pipe(b.stdin);
  let answer = "";
  b.stdout.on("data", (text) => {
    answer += text;
  });
  await Promise.all([once(a, "exit"), once(b, "close")]);
  if (answer !== String(bytes)) throw new Error(`wanted ${bytes} bytes to arrive, found ${answer}`);
}
