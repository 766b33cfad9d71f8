import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { checkContents, useProject } from "./check-packages.mjs";

const good = {
  name: "@connect-plugin/rpc",
  files: ["README.md", "LICENSE", "package.json", "dist/index.js", "dist/index.d.ts"],
  manifest: {
    exports: { ".": { types: "./dist/index.d.ts", default: "./dist/index.js" } },
    dependencies: { "@connect-plugin/protocol": "1.2.3", semver: "^7.0.0" },
  },
  license: "MIT",
  wantedLicense: "MIT",
  version: "1.2.3",
  wantedVersion: "1.2.3",
};

it("accepts a tarball that holds what it promises and no more", () => {
  expect(checkContents(good)).toEqual([]);
});

it("says each thing that is missing, too much or of another version", () => {
  const problems = checkContents({
    ...good,
    files: ["LICENSE", "dist/index.js", "dist/lane.test.js", "dist/fixtures/a.js"],
    manifest: {
      ...good.manifest,
      bin: { tool: "./dist/main.js" },
      dependencies: { "@connect-plugin/protocol": "^1" },
    },
    license: "other",
    version: "1.2.2",
  });
  expect(problems.map(({ wanted, found }) => `${wanted} | ${found}`)).toEqual([
    "README.md in the tarball | none",
    "the LICENSE of the repository's root | another text",
    "one version for all packages: 1.2.3 | 1.2.2",
    "only what users need in the tarball | dist/lane.test.js",
    "only what users need in the tarball | dist/fixtures/a.js",
    "dist/index.d.ts, which package.json points at | not in the tarball: is it built?",
    "dist/main.js, which package.json points at | not in the tarball: is it built?",
    "@connect-plugin/protocol at exactly 1.2.3: host, plugin and their parts are released together | ^1",
  ]);
});

it("uses the installed command as a user would, and says what it did not do", async () => {
  const folder = mkdtempSync(join(tmpdir(), "fake-project-"));
  try {
    const install = (program) => {
      const bin = join(folder, "node_modules/.bin");
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(folder, "package.json"), "{}");
      writeFileSync(join(bin, "connect-plugin"), `#!/usr/bin/env node\n${program}`, { mode: 0o755 });
    };
    install(fakeCommand("Hello, Ada!"));
    expect(await useProject(folder)).toEqual([]);
    install(fakeCommand("Hello, Bob!"));
    expect(await useProject(folder)).toEqual([
      {
        where: "connect-plugin call greeter.v1.GreeterService/Greet",
        wanted: '[{"greeting":"Hello, Ada!"}]',
        found: expect.stringMatching(/^exit code 0: [\s\S]*\{"greeting":"Hello, Bob!"\}$/),
      },
    ]);
    install('console.log("no such command"); process.exit(2);');
    expect(await useProject(folder)).toEqual([
      {
        where: "connect-plugin run --json",
        wanted: "a first line about host.ready within 30 s",
        found: expect.stringContaining("no such command"),
      },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

/** A stand-in for the command: `run` ends when `stop` has written a file. */
function fakeCommand(greeting) {
  return `
const fs = require("node:fs");
const [command, method] = process.argv.slice(2);
if (command === "run") {
  fs.rmSync("stop", { force: true });
  console.log(JSON.stringify({ event: "host.ready" }));
  // Also when the test has given up and its folder is gone.
  setInterval(() => (fs.existsSync("stop") || !fs.existsSync("package.json")) && process.exit(0), 20);
} else if (command === "stop") {
  fs.writeFileSync("stop", "");
} else if (method.endsWith("Greet")) {
  console.log(JSON.stringify({ greeting: ${JSON.stringify(greeting)} }));
} else {
  for (const number of [1, 2, 3]) console.log(JSON.stringify({ number }));
}
`;
}
