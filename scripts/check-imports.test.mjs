import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { checkImports } from "./check-imports.mjs";
import { mayReadEnvironment, packageRules } from "./import-rules.mjs";

const folders = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A small repository with every package, each with one door, and the given files. */
function repository(files) {
  const folder = mkdtempSync(join(tmpdir(), "imports-"));
  folders.push(folder);
  const all = { ...files };
  for (const name of Object.keys(packageRules)) {
    if (["e2e", "bench"].includes(name) || name.startsWith("example")) continue;
    all[`packages/${name}/package.json`] = JSON.stringify({
      name: `@connect-plugin/${name}`,
      exports: {
        ".": "./dist/index.js",
        ...(name === "host" ? { "./testing": "./dist/testing/index.js" } : {}),
      },
    });
  }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function problemsOf(files) {
  return checkImports(repository(files)).problems.map(
    ({ where, wanted, found }) => `${where} | ${wanted} | ${found}`,
  );
}

it("accepts imports along the table, and counts the files", () => {
  const result = checkImports(
    repository({
      "packages/rpc/src/lane.ts":
        'import { frame } from "@connect-plugin/protocol";\nframe(performance.now());',
      "packages/cli/src/main.ts": 'import { host } from "@connect-plugin/host";\nhost(process.env);',
      "packages/cli/src/context.ts": "export const home = process.env.HOME;",
      "packages/host/src/event.ts": "export type HostEvent = never;",
      "packages/host/src/auth/principal.ts": "export type Principal = never;",
      "packages/host/src/registry/log.ts": "export const log = 1;",
      "packages/host/src/launcher/child.ts":
        'import type { Principal } from "../auth/principal.js";\nexport type P = Principal;',
      "packages/host/src/router/pick.ts":
        'import type { HostEvent } from "../event.js";\nimport { log } from "../registry/log.js";\nexport const e: HostEvent[] = [log];',
      "packages/host/src/host.ts": 'export * from "./launcher/child.js";\nexport * from "./router/pick.js";',
    }),
  );
  expect(result).toEqual({ problems: [], files: 9 });
});

it("refuses an arrow between packages that the table does not have", () => {
  expect(
    problemsOf({ "packages/plugin/src/a.ts": 'import type { Host } from "@connect-plugin/host";' }),
  ).toEqual(["packages/plugin/src/a.ts:1 | plugin imports only protocol, rpc | @connect-plugin/host"]);
});

it("refuses tests the same arrow", () => {
  expect(problemsOf({ "packages/host/src/a.test.ts": 'await import("@connect-plugin/plugin");' })).toEqual([
    "packages/host/src/a.test.ts:1 | host imports only protocol, rpc | @connect-plugin/plugin",
  ]);
});

it("refuses a deep import, and a path into another package", () => {
  expect(
    problemsOf({
      "packages/host/src/host.ts": 'export { x } from "@connect-plugin/rpc/dist/lane.js";',
      "packages/cli/src/main.ts":
        'import "../../host/src/host.js";\nexport { t } from "@connect-plugin/host/testing";',
    }),
  ).toEqual([
    "packages/cli/src/main.ts:1 | imports inside packages/cli; another package by its name | ../../host/src/host.js",
    "packages/host/src/host.ts:1 | one of the doors of @connect-plugin/rpc: . | @connect-plugin/rpc/dist/lane.js",
  ]);
});

it("refuses Node in rpc: its modules and its globals, but not names of properties or locals", () => {
  expect(
    problemsOf({
      "packages/rpc/src/a.ts":
        'import { connect } from "node:net";\nimport fs from "fs/promises";\nconnect(fs);',
      "packages/rpc/src/b.ts": "export const b = Buffer.from([]);\nexport const g = globalThis.process;",
      "packages/rpc/src/c.ts":
        "export function f(o: { process: number }, global: number) {\n  return o.process + global;\n}",
      "packages/rpc/src/d.test.ts": 'import { readFileSync } from "node:fs";\nreadFileSync(process.cwd());',
    }),
  ).toEqual([
    "packages/rpc/src/a.ts:1 | nothing of Node's in rpc; web globals are fine in rpc | import of node:net",
    "packages/rpc/src/a.ts:2 | nothing of Node's in rpc; web globals are fine in rpc | import of fs/promises",
    "packages/rpc/src/b.ts:1 | nothing of Node's in rpc; web globals are fine in rpc | the global Buffer",
    "packages/rpc/src/b.ts:2 | nothing of Node's in rpc; web globals are fine in rpc | the global process",
  ]);
});

it("refuses every way to the environment outside of the places that may read it", () => {
  const wanted = `settings as arguments; only ${mayReadEnvironment.join(", ")} read the environment`;
  const text = [
    "process.env.A;",
    'globalThis.process["env"];',
    "const { env } = process;",
    'import { env as e } from "node:process";',
  ].join("\n");
  expect(problemsOf({ "packages/host/src/host.ts": text })).toEqual(
    [1, 2, 3, 4].map((line) => `packages/host/src/host.ts:${line} | ${wanted} | process.env`),
  );
});

it("refuses an arrow between rooms of host, also for types, except Principal and Decision", () => {
  expect(
    problemsOf({
      "packages/host/src/auth/gate.ts":
        "export const gate = 1;\nexport type Gate = 1;\nexport type Decision = 1;",
      "packages/host/src/router/route.ts": "export type Route = 1;",
      "packages/host/src/launcher/a.ts": 'import type { Decision, Gate } from "../auth/gate.js";',
      "packages/host/src/registry/b.ts": 'import type { Route } from "../router/route.js";',
    }),
  ).toEqual([
    "packages/host/src/launcher/a.ts:1 | launcher imports only event, integrity, and the types Principal and Decision of auth | types of auth (../auth/gate.js)",
    "packages/host/src/registry/b.ts:1 | registry imports only event, auth, and the types Principal and Decision of auth | types of router (../router/route.js)",
  ]);
});

it("refuses a room that the table does not know, and a package without a row", () => {
  expect(
    problemsOf({
      "packages/host/src/utils/a.ts": "export {};",
      "packages/extra/package.json": '{ "name": "@connect-plugin/extra" }',
      "packages/extra/src/index.ts": "export {};",
    }),
  ).toEqual([
    "packages/extra/src/index.ts | a row for extra in packageRules of scripts/import-rules.mjs | none",
    expect.stringMatching(/^packages\/host\/src\/utils\/a\.ts \| a room named in hostRooms .* \| utils$/),
  ]);
});

it("finds a cycle that loads, and lets types and lazy imports pass", () => {
  expect(
    problemsOf({
      "packages/rpc/src/a.ts": 'import { b } from "./b.js";\nexport const a = b;',
      "packages/rpc/src/b.ts": 'export { c as b } from "./c.js";',
      "packages/rpc/src/c.ts": 'import { type A, a } from "./a.js";\nexport const c: A = a;',
      "packages/rpc/src/d.ts": 'import type { E } from "./e.js";\nexport type D = E;',
      "packages/rpc/src/e.ts": 'import { type D } from "./d.js";\nexport type E = D;',
      "packages/rpc/src/f.ts": 'import { g } from "./g.js";\nexport const f = g;',
      "packages/rpc/src/g.ts": 'export const g = () => import("./f.js");',
    }),
  ).toEqual([
    "packages/rpc/src/a.ts | no cycle between files at run time; `import type` does not count | packages/rpc/src/a.ts -> packages/rpc/src/b.ts -> packages/rpc/src/c.ts -> packages/rpc/src/a.ts",
  ]);
});

it("refuses a relative import of a file that is not there", () => {
  expect(problemsOf({ "packages/rpc/src/a.ts": 'import "./gone.js";' })).toEqual([
    "packages/rpc/src/a.ts:1 | a file that exists, written with its .js ending | ./gone.js",
  ]);
});
