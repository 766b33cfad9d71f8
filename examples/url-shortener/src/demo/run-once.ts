import { loadHostOptions } from "@connect-plugin/cli";
import { createHost, type EdgeSnapshot } from "@connect-plugin/host";
import { ClicksService } from "../gen/shortener/v1/clicks_pb.js";
import { ShortenerService } from "../gen/shortener/v1/shortener_pb.js";
import { exercise, type Outcome } from "./exercise.js";

export interface Run {
  readonly outcome: Outcome;
  /** Where each plugin ran. */
  readonly distances: ReadonlyMap<string, string>;
  readonly traffic: readonly EdgeSnapshot[];
  readonly startMs: number;
  readonly workMs: number;
  /** What would not end. */
  readonly leaked: readonly string[];
}

/** Starts the host of a configuration, works it, and stops it. */
export async function runOnce(
  config: string,
  urls: readonly string[],
  show: (line: string) => void,
): Promise<Run> {
  // The demo needs neither operator nor door, so two of them may run at once.
  const { operator: _, door: __, ...options } = await loadHostOptions(config);
  const host = createHost({
    ...options,
    output: "events",
    onEvent(event) {
      if (event.type === "instance.ready")
        show(`${event.plugin} is ready after ${Math.round(event.startedInMs)} ms`);
      if (event.type === "instance.output") show(`${event.plugin} | ${event.line}`);
    },
  });
  const begun = performance.now();
  await host.start();
  const started = performance.now();
  try {
    const outcome = await exercise(
      {
        shortener: host.client(ShortenerService, { plugin: "api" }),
        clicks: host.client(ClicksService, { plugin: "clicks" }),
      },
      urls,
    );
    const worked = performance.now();
    const distances = new Map(host.status().plugins.map(({ name, distance }) => [name, distance]));
    const traffic = host.traffic();
    const { leaked } = await host.stop();
    return { outcome, distances, traffic, startMs: started - begun, workMs: worked - started, leaked };
  } finally {
    await host.stop();
  }
}
