import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { CallHandler, LaunchCredential, MethodKind, Reason } from "@connect-plugin/protocol";
import { failureInfo } from "@connect-plugin/rpc";
import type { Launched, Launcher } from "../launcher/launcher.js";
import { callRaw, createRawHandler, type RawAnswer } from "./raw-call.js";

/** Long enough for a loaded machine; nothing waits for all of it unless something is broken. */
const PATIENCE_MS = 10_000;

/** One case's launches: what they wrote, and their end whatever becomes of the case. */
export class ContractBench {
  readonly lines: { readonly stream: "stdout" | "stderr"; readonly line: string }[] = [];
  readonly config = { path: "./data", nested: { list: [1, "two", null] } };
  readonly credential: LaunchCredential = { id: "launch-1", secret: "a-secret-that-must-not-be-seen" };
  readonly #launcher: Launcher;
  readonly #launched: Launched[] = [];
  readonly #handler: CallHandler = createRawHandler({ Echo: async (messages) => messages });

  constructor(launcher: Launcher) {
    this.#launcher = launcher;
  }

  async launch(signal: AbortSignal = new AbortController().signal): Promise<Launched> {
    const launched = await this.#launcher.launch({
      boot: {
        plugin: "contract",
        instanceId: `instance-${this.#launched.length}`,
        distance: this.#launcher.distance,
        config: this.config,
        credential: this.credential,
      },
      handler: this.#handler,
      output: (stream, line) => this.lines.push({ stream, line }),
      signal,
    });
    assert.equal(getEventListeners(signal, "abort").length, 0, "a listener is left on the signal");
    this.#launched.push(launched);
    return launched;
  }

  written(stream: "stdout" | "stderr"): string[] {
    return this.lines.filter((line) => line.stream === stream).map(({ line }) => line);
  }

  async end(): Promise<void> {
    await Promise.all(this.#launched.map((launched) => launched.kill()));
  }
}

/** Calls a method of the plugin; kind only matters to who carries the call. */
export function call(
  { connection }: Launched,
  method: string,
  messages: readonly Uint8Array[] = [new Uint8Array()],
  kind: MethodKind = "bidi_streaming",
): Promise<RawAnswer> {
  return callRaw(connection, { service: "contract.v1.Plugin", method, kind, messages });
}

export async function callJson(launched: Launched, method: string): Promise<unknown> {
  const { messages, failure } = await call(launched, method);
  assert.equal(failure, undefined);
  return JSON.parse(new TextDecoder().decode(messages[0]));
}

/** Asserts that a launch fails with a reason and a message, and gives its facts. */
export async function assertRefused(
  launch: Promise<Launched>,
  reason: Reason,
  message: RegExp,
): Promise<Readonly<Record<string, string>>> {
  const error: unknown = await launch.then(
    () => assert.fail(`wanted ${reason}, but the plugin was launched`),
    (refusal: unknown) => refusal,
  );
  const info = failureInfo(error);
  assert.equal(info?.reason, reason, String(error));
  assert.match((error as Error).message, message);
  return info.facts;
}

export function soon<T>(what: string, something: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const tooLate = delay(PATIENCE_MS, undefined, { signal: abort.signal }).then(
    () => assert.fail(`waited ${PATIENCE_MS} ms for ${what}`),
    () => something,
  );
  return Promise.race([something, tooLate]).finally(() => abort.abort());
}

/** Asserts that something becomes true, without relying on how fast. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) assert.fail(`waited ${PATIENCE_MS} ms for ${what}`);
    await delay(10);
  }
}

/** Whether a process runs. One that is over and that its parent has not asked about does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== "linux") return true;
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3) !== "Z";
  } catch {
    return false;
  }
}

/** What this process holds, by kind. */
export interface Holdings {
  readonly resources: Readonly<Record<string, number>>;
  readonly descriptors: number;
}

export function holdings(): Holdings {
  const resources: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  return { resources, descriptors: readdirSync("/dev/fd").length };
}

/** Asserts that this process comes to hold no more than it did. */
export async function assertNothingLeft(before: Holdings): Promise<void> {
  const more = () => {
    const now = holdings();
    const kinds = Object.keys(now.resources);
    const grown = kinds.filter((kind) => now.resources[kind]! > (before.resources[kind] ?? 0));
    return now.descriptors > before.descriptors ? [...grown, "descriptors"] : grown;
  };
  await eventually("everything to be released", () => more().length === 0).catch(() =>
    assert.fail(`left behind: ${more().join(", ")}`),
  );
}
