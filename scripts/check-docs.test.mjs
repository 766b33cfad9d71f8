import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { checkDocs } from "./check-docs.mjs";
import { slug } from "./read-markdown.mjs";

const folders = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function problemsOf(files) {
  const folder = mkdtempSync(join(tmpdir(), "docs-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, dirname(name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return checkDocs(folder).problems.map(({ where, wanted, found }) => `${where} | ${wanted} | ${found}`);
}

it("accepts links to files, folders, lines, anchors and the web", () => {
  expect(
    problemsOf({
      "README.md": [
        "# Start here",
        "[a](docs/guide.md#first-plugin-2) [b](docs/) [c](src/a.ts#L2) [d](#start-here) [e](https://example.com/x#y)",
        "[f]: docs/guide.md#first-plugin-1",
        '<a href="docs/guide.md">guide</a> `[not](a-link.md)`',
        "```md",
        "[not](a-link-either.md)",
        "```",
      ].join("\n"),
      "docs/guide.md": "# First *plugin*\n## First plugin\n## [First plugin](../README.md)\n",
      "src/a.ts": "1;\n2;\n",
    }),
  ).toEqual([]);
});

it("refuses what leads nowhere", () => {
  expect(
    problemsOf({
      "README.md":
        "# Here\n[a](gone.md)\n[b](docs/guide.md#gone)\n[c](src/a.ts#L9)\n[d](../other/README.md)\n[e](#there)",
      "docs/guide.md": "# Guide\n",
      "src/a.ts": "1;\n",
    }),
  ).toEqual([
    "README.md:2 | a file or folder that exists | gone.md",
    "README.md:3 | an anchor of docs/guide.md: guide | #gone",
    "README.md:4 | a line of src/a.ts, which has 2 | src/a.ts#L9",
    "README.md:5 | a link that stays in the repository, relative to this file | ../other/README.md",
    "README.md:6 | an anchor of README.md: here | #there",
  ]);
});

it("holds marked code blocks to the file that they come from", () => {
  const quote = (code) => `<!-- from: src/a.ts -->\n\n\`\`\`ts\n${code}\n\`\`\`\n`;
  const source = "const a = 1;\nconst b = 2;\n";
  expect(problemsOf({ "a.md": quote("const b = 2;"), "src/a.ts": source })).toEqual([]);
  expect(problemsOf({ "a.md": quote("const b = 3;"), "src/a.ts": source })).toEqual([
    "a.md:1 | code that stands in src/a.ts letter for letter | const b = 3;",
  ]);
  expect(problemsOf({ "a.md": quote("x") })).toEqual([
    "a.md:1 | the file that the code comes from | src/a.ts",
  ]);
});

it("refuses words of one machine, of registries and of the workplace", () => {
  const slash = "/";
  const dot = ".";
  expect(
    problemsOf({
      "a.ts": `const a = "${slash}tmp/x.sock";\nconst b = "${slash}work/main";\nconst ok = "/workers/1 /api/tmp ./work/x";`,
      "package-lock.json": `{ "resolved": "https://registry${dot}example${dot}org/a.tgz" }`,
      "b.md": `see ..${slash}${dot}library and shared${slash}design.md, but ../shared/vectors/x.json is fine`,
    }),
  ).toEqual([
    `a.ts:1 | no word of a path of one machine | "${slash}tmp`,
    `a.ts:2 | no word of a path of one machine | "${slash}work/`,
    `b.md:1 | no word of tooling of the workplace | ..${slash}${dot}library`,
    `b.md:1 | no word of a file that readers do not have | shared${slash}design.md`,
    `package-lock.json:1 | no word of the host of a package registry | registry${dot}example${dot}org`,
  ]);
});

it("makes the anchors that GitHub makes", () => {
  expect(slug("What's `new` in 2.0? (a/b)")).toBe("whats-new-in-20-ab");
  expect(slug("[Link](x.md) & <b>more</b>")).toBe("link--more");
});
