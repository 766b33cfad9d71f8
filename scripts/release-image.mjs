// Keeps what the protocol looks like at a release: `buf breaking` compares every later change with it.
// Run it when a release is made, never to silence the check.
import { join } from "node:path";
import { run } from "./command.mjs";
import { root } from "./workspace.mjs";

const image = "proto/released.binpb";
const { code } = await run("buf", ["build", "--exclude-source-info", "-o", image], {
  cwd: join(root, "packages/protocol"),
  show: true,
});
if (code === 0) console.log(`wrote packages/protocol/${image}: commit it with the release`);
process.exitCode = code;
