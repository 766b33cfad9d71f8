// connect-plugin: how long a plugin takes from launch to ready, and Node to import the same file.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { childProcess, createHost } from "@connect-plugin/host";
import { serveOrders } from "../harness/serve-orders.js";

export interface StartUpOrder {
  readonly what: "plugin" | "bare import";
}

const entry = new URL("../plugins/echo.plugin.js", import.meta.url);
const announce = `import { writeSync } from "node:fs"; await import(${JSON.stringify(entry.href)}); writeSync(1, "imported");`;

await serveOrders(
  async ({ what }: StartUpOrder) => (what === "plugin" ? await timePlugin() : await timeBareImport()),
  async () => {},
);

async function timePlugin(): Promise<number> {
  const host = createHost({ plugins: { echo: { launch: childProcess({ entry }) } } });
  const began = performance.now();
  await host.start();
  const ms = performance.now() - began;
  await host.stop();
  return ms;
}

async function timeBareImport(): Promise<number> {
  const began = performance.now();
  // As little environment as a plugin gets: NODE_EXTRA_CA_CERTS alone would cost tens of milliseconds.
  const child = spawn(process.execPath, ["--input-type=module", "--eval", announce], {
    env: { PATH: process.env.PATH },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  await once(child.stdout, "data");
  const ms = performance.now() - began;
  await exited;
  return ms;
}
