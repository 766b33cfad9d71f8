import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export type GoPlugin =
  | { readonly kind: "built"; readonly host: string; readonly plugin: string }
  | { readonly kind: "missing"; readonly reason: string };

// The first build compiles gRPC, about 40 s on two cores. It must not cost `--quick` its two minutes.
const buildTimeoutMs = 60_000;

/** Builds go/host and go/plugin into out/go. Without Go or its modules, says why not. */
export async function buildGoPlugin(): Promise<GoPlugin> {
  const source = fileURLToPath(new URL("../../go", import.meta.url));
  const out = fileURLToPath(new URL("../../out/go", import.meta.url));
  mkdirSync(out, { recursive: true });
  try {
    await promisify(execFile)("go", ["build", "-o", `${out}/`, "./host", "./plugin"], {
      cwd: source,
      timeout: buildTimeoutMs,
    });
  } catch (error) {
    return { kind: "missing", reason: whyNot(error) };
  }
  return { kind: "built", host: join(out, "host"), plugin: join(out, "plugin") };
}

function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ENOENT") return "Go is not installed";
  if ("killed" in error && error.killed === true) {
    return `go build took more than ${buildTimeoutMs / 1000} s; it goes on from there the next time`;
  }
  const said = "stderr" in error && typeof error.stderr === "string" ? error.stderr.trim() : "";
  return `go build failed: ${said.split("\n").at(-1) || error.message}`;
}
