import { expect, test } from "vitest";
import { readOptions } from "./options.js";

const names = ["lane", "stream"];

test("without options everything is measured in full", () => {
  expect(readOptions([], names)).toEqual({ kind: "run", quick: false, only: [] });
});

test("--only may be given again", () => {
  expect(readOptions(["--quick", "--only", "lane", "--only=stream"], names)).toEqual({
    kind: "run",
    quick: true,
    only: ["lane", "stream"],
  });
});

test("--help wins", () => {
  expect(readOptions(["--quick", "--help"], names)).toEqual({ kind: "help" });
});

test.each([
  [["--fast"], "wanted only --quick, --only NAME or --help; found: --fast"],
  [["lane"], "wanted only --quick, --only NAME or --help; found: lane"],
  [["--only"], "--only wants the name of a benchmark, --quick and --help want nothing; found: --only"],
  [["--quick=1"], "--only wants the name of a benchmark, --quick and --help want nothing; found: --quick=1"],
  [["--only", "lain"], '--only: wanted one of lane, stream; found "lain"'],
])("%o is misuse", (args, message) => {
  expect(readOptions(args, names)).toEqual({ kind: "misuse", message });
});
