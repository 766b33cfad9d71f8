// Every relative link and #anchor in the documents leads somewhere, code blocks marked `<!-- from: path -->` are that
// file's text, and no file speaks of machines, registries or the workplace that it was made on.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { readMarkdown } from "./read-markdown.mjs";
import { finish, isMain } from "./report.mjs";
import { listFiles, root } from "./workspace.mjs";

/** Words that no file may hold, written so that this file does not hold them itself. */
const neverNamed = [
  {
    what: "the host of a package registry",
    pattern: /\b(?:registry|proxy|index|static|files|repo1?)\.[\w-]+\.(?:org|com|io|dev)\b/i,
  },
  { what: "a path of one machine", pattern: /(?:^|[\s"'`(=:,<])\/(?:work|root|home\/\w+)(?:\/|\b(?!-))/ },
  { what: "a path of one machine", pattern: /(?:^|[\s"'`(=:,<])\/tmp\b/ },
  { what: "tooling of the workplace", pattern: /\.\.\/\.library|[.]mirror\b|\bfarm-[b-z]\w+|\/brief\// },
  { what: "a file that readers do not have", pattern: /\bshared\/(?!vectors\b)[\w-]+\.md\b/ },
];

const textFile =
  /\.(?:md|mjs|cjs|js|ts|mts|json|ya?ml|proto|html|css|sh)$|(?:^|\/)(?:run|LICENSE|\.npmrc|\.gitignore|\.editorconfig)$/;

/** @param {string} directory the root of a repository */
export function checkDocs(directory) {
  const documents = new Map(
    listFiles(directory, (name) => name.endsWith(".md")).map((name) => [
      name,
      readMarkdown(readFileSync(join(directory, name), "utf8")),
    ]),
  );
  const problems = [];
  for (const [name, { links, quotes }] of documents) {
    for (const link of links) problems.push(...checkLink(directory, documents, name, link));
    for (const quote of quotes) problems.push(...checkQuote(directory, name, quote));
  }
  for (const name of listFiles(directory, (file) => textFile.test(file))) {
    problems.push(...checkWords(name, readFileSync(join(directory, name), "utf8")));
  }
  return { problems, documents: documents.size };
}

function checkLink(directory, documents, name, { target, line }) {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return [];
  const where = `${name}:${line}`;
  const [path, anchor] = target.split("#", 2);
  const decoded = decodeURIComponent(path);
  const file = decoded === "" ? name : normalize(join(dirname(name), decoded)).replace(/\/$/, "");
  if (decoded.startsWith("/") || file.startsWith("..")) {
    return [{ where, wanted: "a link that stays in the repository, relative to this file", found: target }];
  }
  const full = join(directory, file);
  if (!existsSync(full)) return [{ where, wanted: "a file or folder that exists", found: target }];
  if (!anchor) return [];
  const lines = /^L(\d+)(?:-L(\d+))?$/.exec(anchor);
  if (lines !== null && statSync(full).isFile()) {
    const last = Number(lines[2] ?? lines[1]);
    const count = readFileSync(full, "utf8").split("\n").length;
    return last <= count ? [] : [{ where, wanted: `a line of ${file}, which has ${count}`, found: target }];
  }
  const document = documents.get(file);
  if (document?.anchors.has(anchor)) return [];
  const anchors = document === undefined ? "no anchors: it is not Markdown" : [...document.anchors].join(" ");
  return [{ where, wanted: `an anchor of ${file}: ${anchors}`, found: `#${anchor}` }];
}

function checkQuote(directory, name, { source, line, code }) {
  const where = `${name}:${line}`;
  const full = join(directory, source);
  if (!existsSync(full)) return [{ where, wanted: "the file that the code comes from", found: source }];
  if (readFileSync(full, "utf8").includes(code.trim())) return [];
  return [
    {
      where,
      wanted: `code that stands in ${source} letter for letter`,
      found: code.trim().split("\n")[0] ?? "",
    },
  ];
}

function checkWords(name, text) {
  const problems = [];
  for (const [index, line] of text.split("\n").entries()) {
    for (const { what, pattern } of neverNamed) {
      const match = pattern.exec(line);
      if (match === null) continue;
      problems.push({ where: `${name}:${index + 1}`, wanted: `no word of ${what}`, found: match[0].trim() });
    }
  }
  return problems;
}

if (isMain(import.meta.url)) {
  const { problems, documents } = checkDocs(root);
  finish("check-docs", problems, `the links of ${documents} documents lead somewhere`);
}
