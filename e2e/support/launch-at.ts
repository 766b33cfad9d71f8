import { childProcess, inProcess, type Launch, worker } from "@connect-plugin/host";
import type { Distance } from "@connect-plugin/protocol";

export const DISTANCES = ["in-process", "worker", "child-process"] as const satisfies readonly Distance[];

/** A built plugin file of these tests, such as `probe.plugin` or `broken/garbage`. */
export function fixture(name: string): URL {
  return new URL(`../dist/fixtures/${name}.js`, import.meta.url);
}

/** Runs a fixture at a distance. */
export function launchAt(distance: Distance, name: string): Launch {
  const entry = fixture(name);
  switch (distance) {
    case "in-process":
      return inProcess({ entry });
    case "worker":
      return worker({ entry });
    case "child-process":
      return childProcess({ entry });
  }
}
