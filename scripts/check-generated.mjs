// Proves that the committed generated code is what the .proto files give, and guards those files: buf format, buf lint,
// and buf breaking against the image of the last release. Works offline.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { parse } from "yaml";
import { run } from "./command.mjs";
import { finish, isMain } from "./report.mjs";
import { listFiles, protoUnits, root } from "./workspace.mjs";

/** A unit with this file is compared with it: what it allowed once, it must allow for ever. */
export const releaseImage = "proto/released.binpb";

/** Units whose users depend on their wire format, and which therefore must have a release image. */
const released = ["packages/protocol"];

/**
 * @param {string} directory the root of a repository
 * @param {string[]} mustBeReleased units, relative to it, that must have a release image
 */
export async function checkGenerated(directory, mustBeReleased) {
  const units = protoUnits(directory);
  if (units.length === 0) {
    return [{ where: ".", wanted: "at least one folder with a buf.gen.yaml", found: "none" }];
  }
  const problems = await Promise.all(
    units.map(async (unit) => {
      const at = relative(directory, unit);
      return [
        ...(await checkWithBuf(
          unit,
          at,
          ["format", "--diff", "--exit-code"],
          "npm run generate formats them",
        )),
        ...(await checkWithBuf(unit, at, ["lint"], "buf lint without findings")),
        ...(await checkBreaking(unit, at, mustBeReleased.includes(at))),
        ...(await checkCode(unit, at)),
      ];
    }),
  );
  return problems.flat();
}

async function checkWithBuf(unit, at, args, wanted) {
  const { code, output } = await run("buf", args, { cwd: unit });
  return code === 0
    ? []
    : [{ where: at, wanted, found: output.trim() || `buf ${args[0]} ended with ${code}` }];
}

async function checkBreaking(unit, at, mustHave) {
  if (existsSync(join(unit, releaseImage))) {
    const wanted = "no change that breaks peers of the last release";
    return await checkWithBuf(unit, at, ["breaking", "--against", releaseImage], wanted);
  }
  if (!mustHave) return [];
  const wanted = "the image of the last release; scripts/release-image.mjs writes it";
  return [{ where: `${at}/${releaseImage}`, wanted, found: "no such file" }];
}

async function checkCode(unit, at) {
  const fresh = mkdtempSync(join(tmpdir(), "generated-"));
  try {
    const { code, output } = await run("buf", ["generate", "-o", fresh], { cwd: unit });
    if (code !== 0) return [{ where: at, wanted: "buf generate to succeed", found: output.trim() }];
    const template = parse(readFileSync(join(unit, "buf.gen.yaml"), "utf8"));
    return template.plugins.flatMap(({ out }) =>
      compareFolders(join(fresh, out), join(unit, out), `${at}/${out}`),
    );
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/** Says how the committed folder differs from the fresh one. */
export function compareFolders(fresh, committed, at) {
  const wanted = "what the .proto files give; npm run generate writes it";
  const freshNames = listFiles(fresh);
  const committedNames = new Set(listFiles(committed));
  const problems = [];
  if (freshNames.length === 0)
    problems.push({ where: at, wanted: "generated files", found: "buf generate made none" });
  for (const name of freshNames) {
    const where = `${at}/${name}`;
    if (!committedNames.delete(name)) {
      problems.push({ where, wanted, found: "no such file" });
      continue;
    }
    const line = firstDifference(
      readFileSync(join(fresh, name), "utf8"),
      readFileSync(join(committed, name), "utf8"),
    );
    if (line === undefined) continue;
    problems.push({
      where: `${where}:${line.number}`,
      wanted: `${line.wanted} (npm run generate writes it)`,
      found: line.found,
    });
  }
  for (const name of committedNames)
    problems.push({ where: `${at}/${name}`, wanted, found: "a file that nothing gives" });
  return problems;
}

function firstDifference(wantedText, foundText) {
  if (wantedText === foundText) return undefined;
  const wanted = wantedText.split("\n");
  const found = foundText.split("\n");
  let at = 0;
  while (wanted[at] === found[at]) at += 1;
  return {
    number: at + 1,
    wanted: wanted[at] ?? "the end of the file",
    found: found[at] ?? "the end of the file",
  };
}

if (isMain(import.meta.url)) {
  const problems = await checkGenerated(root, released);
  finish("check-generated", problems, `${protoUnits().length} folders of .proto files and their code agree`);
}
