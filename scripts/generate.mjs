// Formats every .proto file and writes the code for it: `npm run generate`.
import { relative } from "node:path";
import { run } from "./command.mjs";
import { protoUnits, root } from "./workspace.mjs";

for (const unit of protoUnits()) {
  for (const args of [["format", "-w"], ["generate"]]) {
    const { code } = await run("buf", args, { cwd: unit, show: true });
    if (code !== 0) {
      console.error(`buf ${args.join(" ")} failed in ${relative(root, unit)}`);
      process.exit(1);
    }
  }
  console.log(`generated ${relative(root, unit)}`);
}
