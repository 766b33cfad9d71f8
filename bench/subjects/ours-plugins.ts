import { childProcess } from "@connect-plugin/host";

const entryOf = (name: string) => new URL(`../plugins/${name}.plugin.js`, import.meta.url);

/** The plugins of the bench, each a child process. `driver` and `caller` are two of a kind, each making its own load. */
export function childPlugins() {
  return {
    echo: { launch: childProcess({ entry: entryOf("echo") }) },
    store: { launch: childProcess({ entry: entryOf("store") }) },
    driver: { launch: childProcess({ entry: entryOf("driver") }) },
    caller: { launch: childProcess({ entry: entryOf("driver") }) },
  };
}
