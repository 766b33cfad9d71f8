// What a Markdown file links to and what can be linked to in it, as GitHub reads it.

/**
 * @param {string} text
 * @returns {{ links: { target: string, line: number }[], anchors: Set<string>,
 *   quotes: { source: string, line: number, code: string }[] }}
 *   `quotes` are the code blocks that follow a `<!-- from: path -->` line
 */
export function readMarkdown(text) {
  const links = [];
  const anchors = new Set();
  const quotes = [];
  const seen = new Map();
  let fence;
  let source;
  let quote;
  for (const [index, line] of text.split("\n").entries()) {
    const number = index + 1;
    if (fence !== undefined) {
      if (line.trim().startsWith(fence) && line.trim().replaceAll(fence[0], "") === "") {
        if (quote !== undefined) quotes.push({ ...quote, code: quote.code.join("\n") });
        fence = undefined;
        quote = undefined;
      } else quote?.code.push(line);
      continue;
    }
    const opening = /^\s*(`{3,}|~{3,})/.exec(line);
    if (opening !== null) {
      fence = opening[1];
      if (source !== undefined) quote = { ...source, code: [] };
      source = undefined;
      continue;
    }
    const from = /^\s*<!--\s*from:\s*(\S+)\s*-->\s*$/.exec(line);
    if (from !== null) {
      source = { source: from[1], line: number };
      continue;
    }
    if (source !== undefined && line.trim() !== "") source = undefined;
    const heading = /^#{1,6}\s+(.*?)\s*#*\s*$/.exec(line);
    if (heading !== null) anchors.add(unique(slug(heading[1]), seen));
    const prose = line.replace(/(`+)[^`].*?\1/g, "");
    for (const match of prose.matchAll(/<a\s[^>]*(?:id|name)="([^"]+)"/g)) anchors.add(match[1]);
    for (const pattern of linkPatterns) {
      for (const match of prose.matchAll(pattern)) links.push({ target: match[1], line: number });
    }
  }
  return { links, anchors, quotes };
}

const linkPatterns = [
  /\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g, // [text](target "title") and ![image](target)
  /^\s{0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?/g, // [name]: target
  /<(?:a|img)\s[^>]*(?:href|src)="([^"]+)"/g,
];

/** The anchor that GitHub gives a heading. */
export function slug(heading) {
  return heading
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/<[^>]+>/g, "")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, "")
    .replaceAll(" ", "-");
}

function unique(anchor, seen) {
  const count = seen.get(anchor) ?? 0;
  seen.set(anchor, count + 1);
  return count === 0 ? anchor : `${anchor}-${count}`;
}
