import { spawnSync } from "node:child_process";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { assertRefused, ContractBench, call, callJson, soon } from "../testing/contract-bench.js";
import { contractPluginFile } from "../testing/contract-plugins.js";
import { type WorkerOptions, worker } from "./worker.js";

const entry = contractPluginFile("echo");

describe("worker", () => {
  it.each([
    [{ entry: 7 }, "worker: entry must be a path or a file: URL, but is the number 7"],
    [{ execArgv: "--x" }, 'worker: execArgv must be an array of texts, but is the text "--x"'],
    [{ env: [1] }, "worker: env must hold texts without NUL, but one is the number 1"],
  ])("refuses %j", (wrong, message) => {
    expect(() => worker({ entry, ...wrong } as unknown as WorkerOptions)).toThrow(new TypeError(message));
  });

  it("says what Node has against its options", async () => {
    const bench = new ContractBench(worker({ entry, execArgv: ["--max-old-space-size=100"] }));
    await assertRefused(bench.launch(), "LAUNCH_FAILED", /its worker was refused: .*--max-old-space-size/);
  });

  it("gives the plugin the environment that it is told to", async () => {
    const bench = new ContractBench(worker({ entry, env: { MODE: "fast", HOME: undefined } }));
    try {
      const given = (await callJson(await bench.launch(), "Environment")) as Record<string, string>;
      expect(given.MODE).toBe("fast");
      expect(given.HOME).toBeUndefined();
    } finally {
      await bench.end();
    }
  });

  it("tells a session that cannot be begun by the exit and on stderr", async () => {
    const bench = new ContractBench(worker({ entry: contractPluginFile("rejects-run") }));
    const launched = await bench.launch();
    await expect(soon("the exit", launched.exited)).resolves.toEqual({
      kind: "worker",
      code: 83,
      leaked: false,
    });
    expect(bench.written("stderr").join("\n")).toContain("Error: the handshake was refused");
  });

  it("gives a worker up that blocks in the system, and says so", async () => {
    const directory = await mkdtemp(join(tmpdir(), "launch-"));
    const fifo = join(directory, "fifo");
    expect(spawnSync("mkfifo", [fifo]).status).toBe(0);
    const launched = await new ContractBench(worker({ entry })).launch();
    const blocked = call(launched, "ReadFifo", [Buffer.from(fifo)]);
    try {
      // The call has arrived once a later one no longer does.
      const unheard = await Promise.race([call(launched, "Echo").then(() => false), blockedFor(500)]);
      expect(unheard).toBe(true);
      await soon("the kill", launched.kill());
      await expect(launched.exited).resolves.toEqual({ kind: "worker", code: 1, leaked: true });
      expect((await blocked).failure?.info?.reason).toBe("CONNECTION_LOST");
      expect(launched.trouble).toMatchObject({
        message: expect.stringContaining("still blocks its worker 1500 ms after it was to end"),
        info: { reason: "STOP_TIMEOUT", fault: "plugin" },
      });
    } finally {
      // Whoever opens the other end lets the thread go on, to its end.
      await (await open(fifo, "w")).close();
      await rm(directory, { recursive: true });
    }
  });
});

function blockedFor(milliseconds: number): Promise<true> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, true));
}
