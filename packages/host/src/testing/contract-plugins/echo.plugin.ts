// Does what it is told: answers, prints, calls the host, misbehaves.
import { spawn } from "node:child_process";
import { readFileSync, writeSync } from "node:fs";
import type { MethodKind } from "@connect-plugin/protocol";
import { callRaw } from "../raw-call.js";
import { rawPlugin } from "./raw-plugin.js";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function json(value: unknown): Uint8Array[] {
  return [encoder.encode(JSON.stringify(value))];
}

export default rawPlugin("echo", ({ boot, host }) => ({
  Echo: async (messages) => messages,
  Boot: async () => json(boot),
  Environment: async () => json(process.env),
  Process: async () => json({ pid: process.pid, cwd: process.cwd(), execArgv: process.execArgv }),
  Print: async ([text]) => {
    const { stdout, stderr } = JSON.parse(decoder.decode(text)) as { stdout: string; stderr: string };
    process.stdout.write(stdout);
    process.stderr.write(stderr);
    return [];
  },
  async CallHost([kind, ...messages]) {
    const answer = await callRaw(host, {
      service: "contract.v1.Host",
      method: "Echo",
      kind: decoder.decode(kind) as MethodKind,
      messages,
    });
    if (answer.failure !== undefined) throw new Error(answer.failure.message);
    return answer.messages;
  },
  Exit: async () => process.exit(7),
  Throw: async () => {
    setTimeout(() => {
      throw new Error("thrown where nobody catches");
    });
    return [];
  },
  Spin: async () => {
    for (;;);
  },
  KeepAlive: async () => {
    setInterval(() => {}, 1_000);
    return [];
  },
  /** Starts a process that would outlive it, and tells its id. */
  Spawn: async () => json(spawn("sleep", ["600"], { stdio: ["ignore", "inherit", "inherit"] }).pid),
  /** The same, out of reach: a session of its own. It ends by itself. */
  SpawnDaemon: async () =>
    json(spawn("sleep", ["20"], { detached: true, stdio: ["ignore", "inherit", "inherit"] }).pid),
  /** Writes without an end, as far as it is let. */
  Flood: async () => {
    const line = `${"flood ".repeat(20)}\n`;
    const write = () => {
      while (process.stdout.write(line));
      process.stdout.once("drain", write);
    };
    setImmediate(write);
    return [];
  },
  /** Takes a signal away from the bootstrap, and any hint. */
  IgnoreTerminate: async () => {
    process.removeAllListeners("SIGTERM");
    process.on("SIGTERM", () => {});
    return [];
  },
  /** Blocks its thread until somebody writes to a named pipe. */
  ReadFifo: async ([path]) => {
    readFileSync(decoder.decode(path));
    return [];
  },
  Garbage: async () => {
    writeSync(3, "this is not a frame of any lane, whoever wrote it. ".repeat(20));
    return [];
  },
}));
