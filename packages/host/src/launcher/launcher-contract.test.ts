import { describe, it } from "vitest";
import { type LauncherUnderTest, launcherContract } from "../testing/launcher-contract.js";
import { childProcess } from "./child-process.js";
import { inProcess } from "./in-process.js";
import { worker } from "./worker.js";

const distances: readonly LauncherUnderTest[] = [
  {
    distance: "in-process",
    launcher: (entry) => inProcess({ entry }),
    cannot: {
      "own-environment": "it runs in the host's process, with the host's environment",
      "own-output": "what it writes goes to the host's own stdout and stderr",
      "own-thread": "its end would be the host's end, and its loop the host's loop",
    },
  },
  { distance: "worker", launcher: (entry) => worker({ entry }), cannot: {} },
  { distance: "child-process", launcher: (entry) => childProcess({ entry }), cannot: {} },
];

for (const under of distances) {
  describe(`launcher contract: ${under.distance}`, () => {
    for (const { name, skipped, run } of launcherContract(under)) {
      it(name, async (context) => {
        context.skip(skipped !== undefined, skipped);
        await run();
      }, 60_000);
    }
  });
}
