import { pathToFileURL } from "node:url";

// How every check says what is wrong: where, what was wanted, what was found.

/** @typedef {{ where: string, wanted: string, found: string }} Problem */

/** @param {Problem} problem */
export function describe({ where, wanted, found }) {
  return `${where}\n  wanted: ${wanted}\n  found:  ${found}`;
}

/**
 * Prints the problems, or one line that says what was checked, and sets the exit code.
 *
 * @param {string} check the name of the check
 * @param {Problem[]} problems
 * @param {string} summary what was looked at, said when nothing is wrong
 */
export function finish(check, problems, summary) {
  if (problems.length === 0) {
    console.log(`${check}: ok, ${summary}`);
    return;
  }
  for (const problem of problems) console.error(`${describe(problem)}\n`);
  console.error(`${check}: ${problems.length} ${problems.length === 1 ? "problem" : "problems"}`);
  process.exitCode = 1;
}

/** True when this module was started by `node`, not imported by its test. */
export function isMain(url) {
  return process.argv[1] !== undefined && url === pathToFileURL(process.argv[1]).href;
}
