// Holds the code to the borders in import-rules.mjs: between packages, between the rooms of host, without Node, without
// cycles, without back doors.
import { existsSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix } from "node:path";
import { findCycles } from "./find-cycles.mjs";
import {
  authTypesForAll,
  hostKnowsAll,
  hostRooms,
  mayReadEnvironment,
  nodeGlobals,
  packageRules,
  withoutNode,
} from "./import-rules.mjs";
import { readImports } from "./read-imports.mjs";
import { finish, isMain } from "./report.mjs";
import { listFiles, readJson, root } from "./workspace.mjs";

const scope = "@connect-plugin/";
const builtins = new Set(builtinModules);

/**
 * @param {string} directory the root of a repository shaped like this one
 * @returns {{ problems: import("./report.mjs").Problem[], files: number }}
 */
export function checkImports(directory) {
  const problems = [];
  const workspaces = findWorkspaces(directory);
  let files = 0;
  for (const workspace of workspaces.values()) {
    const graph = new Map();
    for (const path of sourceFiles(directory, workspace)) {
      files += 1;
      const file = readSource(directory, path, workspace);
      graph.set(
        path,
        file.imports.filter(loadsOnStart).map((entry) => resolveRelative(path, entry.specifier)),
      );
      problems.push(
        ...checkPackageBorders(file, workspaces),
        ...checkNode(file),
        ...checkEnvironment(file),
        ...checkRooms(file),
      );
    }
    for (const cycle of findCycles(graph)) {
      problems.push({
        where: cycle[0],
        wanted: "no cycle between files at run time; `import type` does not count",
        found: [...cycle, cycle[0]].join(" -> "),
      });
    }
  }
  return { problems, files };
}

function findWorkspaces(directory) {
  const found = new Map();
  for (const path of listFiles(directory, (name) => name.endsWith("/package.json"))) {
    const manifest = readJson(join(directory, path));
    if (!manifest.name?.startsWith(scope)) continue;
    const doors = manifest.exports === undefined ? [] : Object.keys(manifest.exports);
    found.set(manifest.name.slice(scope.length), {
      name: manifest.name.slice(scope.length),
      at: dirname(path),
      doors,
    });
  }
  return found;
}

function sourceFiles(directory, workspace) {
  const isSource = (name) => /\.[cm]?tsx?$/.test(name) && !name.endsWith(".d.ts");
  return listFiles(join(directory, workspace.at), isSource).map((name) => `${workspace.at}/${name}`);
}

function readSource(directory, path, workspace) {
  const read = readImports(path, readFileSync(join(directory, path), "utf8"));
  const isTest = /\.(test|test-d)\.ts$/.test(path) || path.includes("/fixtures/");
  return { ...read, path, workspace, isTest, exists: (name) => existsSync(join(directory, name)) };
}

const loadsOnStart = (entry) => !entry.typeOnly && !entry.lazy && isRelative(entry.specifier);
const isRelative = (specifier) => specifier.startsWith("./") || specifier.startsWith("../");

/** The source file that a relative specifier means: `./x.js` is written as `x.ts`. */
function resolveRelative(from, specifier) {
  return posix.join(posix.dirname(from), specifier).replace(/\.([cm]?)js$/, ".$1ts");
}

function checkPackageBorders({ path, workspace, imports, exists }, workspaces) {
  const problems = [];
  const allowed = packageRules[workspace.name];
  if (allowed === undefined) {
    const wanted = `a row for ${workspace.name} in packageRules of scripts/import-rules.mjs`;
    return [{ where: path, wanted, found: "none" }];
  }
  for (const { specifier, line } of imports) {
    const where = `${path}:${line}`;
    if (isRelative(specifier)) {
      const target = resolveRelative(path, specifier);
      if (!target.startsWith(`${workspace.at}/`)) {
        const wanted = `imports inside ${workspace.at}; another package by its name`;
        problems.push({ where, wanted, found: specifier });
      } else if (!exists(target)) {
        problems.push({ where, wanted: "a file that exists, written with its .js ending", found: specifier });
      }
      continue;
    }
    if (!specifier.startsWith(scope)) continue;
    const [name, ...rest] = specifier.slice(scope.length).split("/");
    if (name === workspace.name) {
      problems.push({ where, wanted: "a relative import inside the own package", found: specifier });
    } else if (!allowed.includes(name)) {
      const wanted = `${workspace.name} imports only ${allowed.join(", ") || "no other package"}`;
      problems.push({ where, wanted, found: specifier });
    } else {
      const door = [".", ...rest].join("/");
      const doors = workspaces.get(name)?.doors ?? [];
      if (!doors.includes(door)) {
        problems.push({
          where,
          wanted: `one of the doors of ${scope}${name}: ${doors.join(" ")}`,
          found: specifier,
        });
      }
    }
  }
  return problems;
}

function checkNode({ path, workspace, imports, freeNames, isTest }) {
  if (isTest || !withoutNode.includes(workspace.name)) return [];
  const isNode = (specifier) => specifier.startsWith("node:") || builtins.has(specifier.split("/")[0]);
  const modules = imports
    .filter(({ specifier }) => isNode(specifier))
    .map(({ specifier, line }) => ({ line, found: `import of ${specifier}` }));
  const globals = freeNames
    .filter(({ name }) => nodeGlobals.includes(name))
    .map(({ name, line }) => ({ line, found: `the global ${name}` }));
  const wanted = `nothing of Node's in ${workspace.name}; web globals are fine in rpc`;
  return [...modules, ...globals].map(({ line, found }) => ({ where: `${path}:${line}`, wanted, found }));
}

function checkEnvironment({ path, workspace, environment, isTest }) {
  const isProduct = workspace.at.startsWith("packages/");
  if (isTest || !isProduct || mayReadEnvironment.some((place) => path.startsWith(place))) return [];
  const wanted = `settings as arguments; only ${mayReadEnvironment.join(", ")} read the environment`;
  return environment.map((line) => ({ where: `${path}:${line}`, wanted, found: "process.env" }));
}

function checkRooms({ path, workspace, imports, isTest }) {
  const base = `${workspace.at}/src/`;
  if (workspace.name !== "host" || isTest || !path.startsWith(base)) return [];
  const room = roomOf(path, base);
  if (hostKnowsAll.includes(room)) return [];
  const allowed = hostRooms[room];
  if (allowed === undefined) {
    const wanted = `a room named in hostRooms of scripts/import-rules.mjs: ${Object.keys(hostRooms).join(", ")}`;
    return [{ where: path, wanted, found: room }];
  }
  const problems = [];
  for (const { specifier, line, typeOnly, names } of imports) {
    if (!isRelative(specifier)) continue;
    const target = roomOf(resolveRelative(path, specifier), base);
    const isAuthType = target === "auth" && typeOnly && names.every((name) => authTypesForAll.includes(name));
    if (target === room || target === "event" || allowed.includes(target) || isAuthType) continue;
    const rooms = ["event", ...allowed].join(", ");
    const wanted = `${room} imports only ${rooms}, and the types ${authTypesForAll.join(" and ")} of auth`;
    problems.push({
      where: `${path}:${line}`,
      wanted,
      found: `${typeOnly ? "types of " : ""}${target} (${specifier})`,
    });
  }
  return problems;
}

const roomOf = (path, base) =>
  path
    .slice(base.length)
    .split("/")[0]
    .replace(/(\.test)?\.ts$/, "");

if (isMain(import.meta.url)) {
  const { problems, files } = checkImports(root);
  finish("check-imports", problems, `${files} files keep to the tables in scripts/import-rules.mjs`);
}
