// Looks at what is published as a user meets it: packs every package, lints the tarballs, installs them in an empty
// project, compiles a plugin there, runs it with the command and calls it.
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { endGroup, run, toolEnvironment } from "./command.mjs";
import { finish, isMain } from "./report.mjs";
import { publishedPackages, readJson, root } from "./workspace.mjs";

const readySeconds = 30;
const stopSeconds = 20;

/** Packs every published package into `folder`. */
async function packAll(folder) {
  const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const workspaces = publishedPackages.flatMap((name) => ["-w", `@connect-plugin/${name}`]);
  const { code, stdout, output } = await run("npm", [...args, ...workspaces]);
  if (code !== 0) throw new Error(`npm pack ended with ${code}:\n${output}`);
  return Object.values(JSON.parse(stdout)).map(({ name, version, filename, files, size }) => ({
    name,
    version,
    size,
    at: join(root, "packages", name.split("/")[1]),
    tarball: join(folder, filename),
    files: files.map(({ path }) => path),
  }));
}

const neverPublished = /(?:^|\/)(?:fixtures|src)\/|\.test(?:-d)?\.|\.tsbuildinfo$|\.proto-cache/;

/** What is in a tarball, against what its package.json promises. */
export function checkContents({ name, files, manifest, license, wantedLicense, version, wantedVersion }) {
  const problems = [];
  const wants = (wanted, found) => problems.push({ where: name, wanted, found });
  for (const file of ["README.md", "LICENSE"])
    if (!files.includes(file)) wants(`${file} in the tarball`, "none");
  if (license !== wantedLicense) wants("the LICENSE of the repository's root", "another text");
  if (version !== wantedVersion) wants(`one version for all packages: ${wantedVersion}`, version);
  for (const file of files) if (neverPublished.test(file)) wants("only what users need in the tarball", file);
  for (const target of targetsOf(manifest)) {
    if (!files.includes(target))
      wants(`${target}, which package.json points at`, "not in the tarball: is it built?");
  }
  for (const [dependency, range] of Object.entries(manifest.dependencies ?? {})) {
    if (!dependency.startsWith("@connect-plugin/") || range === wantedVersion) continue;
    wants(
      `${dependency} at exactly ${wantedVersion}: host, plugin and their parts are released together`,
      range,
    );
  }
  return problems;
}

function targetsOf({ exports = {}, bin = {} }) {
  const leaves = (value) => (typeof value === "string" ? [value] : Object.values(value).flatMap(leaves));
  return [...leaves(exports), ...leaves(bin)].map((path) => path.replace(/^\.\//, ""));
}

async function checkTarball(packed) {
  const manifest = readJson(join(packed.at, "package.json"));
  const problems = checkContents({
    ...packed,
    manifest,
    license: packed.files.includes("LICENSE") ? readFileSync(join(packed.at, "LICENSE"), "utf8") : "",
    wantedLicense: readFileSync(join(root, "LICENSE"), "utf8"),
    wantedVersion: readJson(join(root, "package.json")).version,
  });
  const linters = [["publint", ["run", packed.tarball, "--strict"]]];
  // A package that is only a command has no types to resolve.
  if (manifest.exports["."] !== undefined) {
    linters.push([
      "attw",
      [packed.tarball, "--profile", "esm-only", "--no-definitely-typed", "--format", "ascii"],
    ]);
  }
  for (const [linter, args] of linters) {
    const { code, output } = await run(linter, args, { env: { ...toolEnvironment(), NO_COLOR: "1" } });
    if (code !== 0)
      problems.push({ where: packed.name, wanted: `${linter} without findings`, found: output.trim() });
  }
  return problems;
}

/** Lays out the first plugin of the guide in an empty folder and installs the tarballs there, as a user would. */
async function layOutProject(folder, tarballs) {
  cpSync(join(root, "scripts/first-plugin"), folder, { recursive: true });
  const { dependencies, devDependencies } = readJson(join(root, "package.json"));
  const tools = { ...dependencies, ...devDependencies };
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({
      name: "first-plugin",
      private: true,
      type: "module",
      dependencies: {
        ...Object.fromEntries(tarballs.map(({ name, tarball }) => [name, `file:${tarball}`])),
        "@bufbuild/protobuf": tools["@bufbuild/protobuf"],
      },
      devDependencies: { "@types/node": tools["@types/node"] },
    }),
  );
  // Only this project's own tools may be found there, besides the two that generate and compile.
  const steps = [
    ["npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]],
    ["buf", ["generate"]],
    ["tsc", ["-p", "."]],
  ];
  for (const [program, args] of steps) {
    const { code, output } = await run(program, args, { cwd: folder });
    if (code !== 0) {
      const where = "an empty project with the packed packages";
      return [{ where, wanted: `${program} ${args[0]} to succeed`, found: output.trim() }];
    }
  }
  return [];
}

/** Runs the plugin with the installed command and talks to it. */
export async function useProject(folder) {
  const problems = [];
  const host = spawn("npx", ["--no", "connect-plugin", "run", "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const seen = watchOutput(host);
  try {
    const first = await Promise.race([seen.firstLine, seen.ended, after(readySeconds, "nothing yet")]);
    if (!isReady(first)) {
      const wanted = `a first line about host.ready within ${readySeconds} s`;
      const found = `${typeof first === "string" ? first : JSON.stringify(first)}\n${seen.text()}`;
      return [{ where: "connect-plugin run --json", wanted, found }];
    }
    const calls = [
      {
        method: "greeter.v1.GreeterService/Greet",
        data: { name: "Ada" },
        answers: [{ greeting: "Hello, Ada!" }],
      },
      {
        method: "greeter.v1.GreeterService/Count",
        data: { to: 3 },
        answers: [{ number: 1 }, { number: 2 }, { number: 3 }],
      },
    ];
    for (const { method, data, answers } of calls) {
      const args = ["--no", "connect-plugin", "call", method, "--data", JSON.stringify(data), "--json"];
      const answer = await run("npx", args, { cwd: folder, env: process.env, timeoutSeconds: 30 });
      if (answer.code === 0 && isDeepStrictEqual(jsonLines(answer.stdout), answers)) continue;
      const found = `exit code ${answer.code}: ${answer.output.trim()}`;
      problems.push({ where: `connect-plugin call ${method}`, wanted: JSON.stringify(answers), found });
    }
    const stop = await run("npx", ["--no", "connect-plugin", "stop"], {
      cwd: folder,
      env: process.env,
      timeoutSeconds: 30,
    });
    if (stop.code !== 0) {
      problems.push({
        where: "connect-plugin stop",
        wanted: "exit code 0",
        found: `${stop.code}: ${stop.output.trim()}`,
      });
    }
    const end = await Promise.race([seen.ended, after(stopSeconds, "still running")]);
    if (end !== "exit code 0") {
      const wanted = `the host to end with exit code 0 within ${stopSeconds} s of connect-plugin stop`;
      problems.push({ where: "connect-plugin run", wanted, found: `${end}\n${seen.text()}` });
    }
    return problems;
  } finally {
    endGroup(host, "SIGKILL");
  }
}

/** What docs/guide/first-host.md shows. */
const applicationOutput = `Hello, Ada!
1
2
3
far Hello, far!
near Hello, near!
Hello, you, who waited!
far: ready, child-process, restarts: 1
near: ready, worker, restarts: 0
`;

/** Runs the application of the guide, which is a host itself. */
async function runApplication(folder) {
  const { code, stdout, output } = await run("node", ["application.js"], {
    cwd: folder,
    env: process.env,
    timeoutSeconds: 60,
  });
  if (code === 0 && stdout === applicationOutput) return [];
  const found = `exit code ${code}: ${output.trim()}`;
  return [{ where: "application.ts of the first host", wanted: applicationOutput, found }];
}

function watchOutput(child) {
  let text = "";
  let out = "";
  const firstLine = new Promise((resolve) => {
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (part) => {
      text += part;
      out += part;
      const end = out.indexOf("\n");
      if (end >= 0) resolve(out.slice(0, end));
    });
  });
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (part) => {
    text += part;
  });
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("close", (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `ended by ${signal}`),
    );
  });
  return { firstLine, ended, text: () => text };
}

function after(seconds, value) {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000, value).unref());
}

/** True for a JSON line that says `host.ready`, whatever its key is called. */
function isReady(line) {
  if (typeof line !== "string") return false;
  try {
    const event = JSON.parse(line);
    return typeof event === "object" && event !== null && Object.values(event).includes("host.ready");
  } catch {
    return false;
  }
}

function jsonLines(text) {
  try {
    return text
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map((line) => JSON.parse(line));
  } catch {
    return undefined;
  }
}

async function main() {
  const folder = mkdtempSync(join(tmpdir(), "packed-"));
  try {
    const project = join(folder, "project");
    mkdirSync(project);
    const packed = await packAll(folder);
    const problems = [];
    for (const one of packed) problems.push(...(await checkTarball(one)));
    const layout = await layOutProject(project, packed);
    problems.push(...layout);
    if (layout.length === 0)
      problems.push(...(await useProject(project)), ...(await runApplication(project)));
    const sizes = packed
      .map(({ name, size }) => `${name.split("/")[1]} ${Math.ceil(size / 1024)} KiB`)
      .join(", ");
    finish("check-packages", problems, `a plugin runs from the packed packages (${sizes})`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (isMain(import.meta.url)) await main();
