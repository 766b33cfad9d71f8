import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { type BootFrame, encodeBootFrame } from "@connect-plugin/protocol";
import { afterEach, expect, it } from "vitest";
import { soon } from "../../testing/contract-bench.js";
import { contractPluginFile } from "../../testing/contract-plugins.js";
import { bootstrapFile } from "../bootstrap-file.js";

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill("SIGKILL");
});

function start(lane: "pipe" | "ignore"): {
  readonly lane: Socket | null;
  ended(): Promise<{ code: number; said: string }>;
} {
  const started = spawn(process.execPath, [fileURLToPath(bootstrapFile("child-bootstrap")), "kv", "kv.js"], {
    stdio: ["ignore", "ignore", "pipe", lane],
  });
  child = started;
  let said = "";
  started.stderr!.on("data", (chunk: Buffer) => {
    said += chunk.toString();
  });
  return {
    lane: started.stdio[3] as Socket | null,
    async ended() {
      const [code] = (await soon("the exit", once(started, "close"))) as [number];
      return { code, said };
    },
  };
}

function frameOf(plugin: "echo" | "never-loads"): Uint8Array {
  const frame: BootFrame = {
    entry: contractPluginFile(plugin).href,
    boot: {
      plugin: "kv",
      instanceId: "1",
      distance: "child-process",
      config: null,
      credential: { id: "1", secret: "2" },
    },
  };
  return encodeBootFrame(frame);
}

it("says who starts it, when started by hand", async () => {
  const { code, said } = await start("ignore").ended();
  expect(code).toBe(80);
  expect(said).toBe(
    'descriptor 3 is not a pipe to a host: this file is started by a connect-plugin host, not by hand; write "connect-plugin run"\n',
  );
});

it("ends when it does not understand its host", async () => {
  const bootstrap = start("pipe");
  bootstrap.lane!.write("GET / HTTP/1.1\r\n\r\n");
  const { code, said } = await bootstrap.ended();
  expect(code).toBe(81);
  expect(said).toContain('wanted a boot frame, found "GET / HTTP/1.1');
});

it.each([
  ["before it has said anything", undefined],
  ["while a plugin is imported", frameOf("never-loads")],
  ["while a plugin runs", frameOf("echo")],
])("ends when the host goes away %s", async (_, frame) => {
  const bootstrap = start("pipe");
  if (frame !== undefined) bootstrap.lane!.write(frame);
  setTimeout(() => bootstrap.lane!.destroy(), 300);
  expect((await bootstrap.ended()).code).toBe(84);
});

it("ends in order on SIGTERM, even while its plugin is imported", async () => {
  const bootstrap = start("pipe");
  bootstrap.lane!.write(frameOf("never-loads"));
  bootstrap.lane!.resume();
  await once(child!.stderr!, "data");
  child!.kill("SIGTERM");
  expect(await bootstrap.ended()).toEqual({ code: 0, said: "waiting\n" });
});
